/** Errors: one class per group, a stable code, and a message that is safe to log. */

import { ERROR_CODES, type ErrorKind, type SsfErrorCode } from './codes.js';
import type { NativeErrorParts, NativeFailure, NativeFinding, Outcome } from './native.js';
import type { LintRuleId } from './rules.js';

/** A problem in a SET: the rule, the place and a message. Safe to log: it contains no value of the SET. */
export interface Finding {
  /** The id of the rule; `docs/rules.md` explains it. */
  readonly rule: LintRuleId;
  /** The severity for this receiver. */
  readonly severity: 'note' | 'warning' | 'error';
  /** How the receiver reacts. */
  readonly effect: 'refuses' | 'drops' | 'misreads';
  /** The error code if the finding blocks the send. */
  readonly code: SsfErrorCode;
  /** Where, as a JSON pointer (RFC 6901): into the header for `alg`, `kid`, `typ` and `crit`, else into the claims. */
  readonly pointer: string;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** How to fix it. */
  readonly remedy: string;
  /** What the rule checks. */
  readonly doc: string;
  /** Where the rule comes from. */
  readonly source: string;
}

/** The parts of an {@link SsfError} besides code and message. */
export interface SsfErrorParts {
  readonly pointer?: string | undefined;
  readonly status?: number | undefined;
  readonly retryAfter?: number | undefined;
  readonly receiverError?: string | undefined;
  readonly receiverDescription?: string | undefined;
  readonly findings?: readonly Finding[] | undefined;
  readonly cause?: unknown;
}

/**
 * The base class of all errors about SETs, keys and receivers.
 *
 * Its message is safe to log: it contains no key, token, subject or payload.
 *
 * @example
 * ```ts
 * try {
 *   await transmitter.emit(event, subject, { to: acme });
 * } catch (error) {
 *   if (error instanceof SsfError && error.retryable) queue.push(event);
 *   else throw error;
 * }
 * ```
 */
export class SsfError extends Error {
  /** The stable code, such as `SSF_EVENT_MEMBER_MISSING`; `docs/errors.md` explains each. */
  readonly code: SsfErrorCode;
  /** Whether the same call may succeed later without changes. */
  readonly retryable: boolean;
  /** How to fix it, in one sentence. */
  readonly remedy: string;
  /** The place in the given document: a JSON pointer (RFC 6901). */
  declare readonly pointer?: string;
  /** The HTTP status of the answer, if there was one. */
  declare readonly status?: number;
  /** The delay in milliseconds that the receiver requests before the next attempt. */
  declare readonly retryAfter?: number;
  /** The error code from the receiver, the token endpoint or the API. */
  declare readonly receiverError?: string;
  /**
   * The description from the receiver, the token endpoint or the API, from any of the usual error objects, plain text,
   * or the title of an HTML page. The other side wrote it, so it is neither in the message, nor shown when the error is
   * printed; where it quotes the SET, its subject or a credential, it says `[redacted]`.
   */
  declare readonly receiverDescription?: string;
  /** All findings in a SET that lint kept from being sent. */
  declare readonly findings?: readonly Finding[];

  constructor(code: SsfErrorCode, message: string, parts: SsfErrorParts = {}) {
    const place = parts.pointer === undefined ? '' : ` (at ${parts.pointer})`;
    super(`${message}${place}`, parts.cause === undefined ? undefined : { cause: parts.cause });
    const { retryable, remedy } = ERROR_CODES[code];
    this.code = code;
    this.retryable = retryable;
    this.remedy = remedy;
    if (parts.pointer !== undefined) this.pointer = parts.pointer;
    if (parts.status !== undefined) this.status = parts.status;
    if (parts.retryAfter !== undefined) this.retryAfter = parts.retryAfter;
    if (parts.receiverError !== undefined) this.receiverError = parts.receiverError;
    if (parts.findings !== undefined && parts.findings.length > 0) this.findings = parts.findings;
    if (parts.receiverDescription !== undefined) {
      Object.defineProperty(this, 'receiverDescription', { value: parts.receiverDescription, enumerable: false });
    }
  }

  /** The group of the code. */
  get kind(): ErrorKind {
    return ERROR_CODES[this.code].kind;
  }

  static {
    Object.defineProperty(SsfError.prototype, 'name', { value: 'SsfError', configurable: true, writable: true });
  }
}

/** A setting is wrong. */
export class ConfigError extends SsfError {}
/** A key cannot be used. */
export class KeyMaterialError extends ConfigError {}
/** An event, a subject, a SET or a provider violates a rule. */
export class ValidationError extends SsfError {}
/** A signature could not be made or verified. */
export class SigningError extends SsfError {}
/** No access token was granted. */
export class TokenError extends SsfError {}
/** A SET was not delivered. */
export class DeliveryError extends SsfError {}
/** The receiver rejected the SET. */
export class ReceiverRejected extends DeliveryError {}
/** The connection to the receiver failed. */
export class TransportError extends DeliveryError {}
/** The deadline passed. */
export class DeadlineExceeded extends DeliveryError {}
/** A call to a receiver's management API failed. */
export class ApiError extends SsfError {}
/** The outbox refused an entry, or cannot use what it has stored. */
export class OutboxError extends SsfError {}
/** A defect of this package. */
export class InternalError extends SsfError {}

const CLASSES: Readonly<Record<ErrorKind, typeof SsfError>> = {
  config: ConfigError,
  key: KeyMaterialError,
  validation: ValidationError,
  signing: SigningError,
  token: TokenError,
  delivery: ReceiverRejected,
  transport: TransportError,
  deadline: DeadlineExceeded,
  api: ApiError,
  outbox: OutboxError,
  internal: InternalError,
};

for (const [name, type] of Object.entries({
  ConfigError,
  KeyMaterialError,
  ValidationError,
  SigningError,
  TokenError,
  DeliveryError,
  ReceiverRejected,
  TransportError,
  DeadlineExceeded,
  ApiError,
  OutboxError,
  InternalError,
})) {
  Object.defineProperty(type.prototype, 'name', { value: name, configurable: true, writable: true });
}

/** Any function: the one that the caller called. */
// biome-ignore lint/complexity/noBannedTypes: it is only a mark in the stack
export type Caller = Function;

/** Where the caller is, remembered before anything is awaited. */
export class Place {
  declare readonly stack?: string;

  constructor(caller: Caller) {
    Error.captureStackTrace(this, caller);
  }
}

/** The error of a code, with the stack of the caller. */
export function errorOf(code: SsfErrorCode, message: string, at: Caller | Place, parts?: SsfErrorParts): SsfError {
  const error = new CLASSES[ERROR_CODES[code].kind](code, message, parts);
  const stack = at instanceof Place ? at.stack : new Place(at).stack;
  const frames = stack?.indexOf('\n    at ') ?? -1;
  Object.defineProperty(error, 'stack', {
    value: `${error.name}: ${error.message}${frames < 0 ? '' : stack?.slice(frames)}`,
    configurable: true,
    writable: true,
  });
  return error;
}

/** What the core needs of an error. */
export function partsOf(error: SsfError): NativeErrorParts {
  const { code, pointer, status, receiverError, receiverDescription } = error;
  const place = pointer === undefined ? '' : ` (at ${pointer})`;
  const message = error.message.endsWith(place)
    ? error.message.slice(0, error.message.length - place.length)
    : error.message;
  return { code: coreCode(code), message, pointer, status, receiverError, receiverDescription };
}

/** The same error, of an item of a list: its pointer begins with the index. */
export function ofItem(error: SsfError, index: number, at: Caller | Place): SsfError {
  const { message, pointer, ...parts } = partsOf(error);
  return errorOf(error.code, message, at, { ...parts, pointer: `/${index}${pointer ?? ''}`, cause: error.cause });
}

/** The name of a code in the core. */
export function coreCode(code: SsfErrorCode): string {
  return code.slice('SSF_'.length).toLowerCase();
}

/** A code by its name in the core; other names, such as `abandoned`, are as they are. */
export function codeNamed(name: string): string {
  const known = `SSF_${name.toUpperCase()}`;
  return Object.hasOwn(ERROR_CODES, known) ? known : name;
}

/** Findings as they are shown. */
export function findingsOf(findings: NativeFinding[]): Finding[] {
  return findings.map((finding) => ({ ...finding, code: codeOf(finding.code) }) as Finding);
}

/** The error for what went wrong natively. */
export function failed(failure: NativeFailure, at: Caller | Place): SsfError {
  const cause = failure.causes.reduceRight<Error | undefined>(
    (beneath, text) => new Error(text, beneath === undefined ? undefined : { cause: beneath }),
    undefined,
  );
  return errorOf(codeOf(failure.code), failure.message, at, {
    pointer: failure.pointer ?? undefined,
    status: failure.status ?? undefined,
    retryAfter: failure.retryAfter ?? undefined,
    receiverError: failure.receiverError ?? undefined,
    receiverDescription: failure.receiverDescription ?? undefined,
    findings: findingsOf(failure.findings),
    cause,
  });
}

/** Whether a native function says that something went wrong. */
export function isFailure(outcome: unknown): outcome is NativeFailure {
  return (outcome as NativeFailure | null | undefined)?.isFailure === true;
}

/** The value of a native function; throws what went wrong. */
export function unwrap<T>(outcome: Outcome<T>, at: Caller | Place): T {
  if (isFailure(outcome)) throw failed(outcome, at);
  return outcome;
}

/** The code with this name in the core. */
export function codeOf(code: string): SsfErrorCode {
  const known = codeNamed(code);
  return known === code ? 'SSF_INTERNAL' : (known as SsfErrorCode);
}
