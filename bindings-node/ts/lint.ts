/** Reports what a receiver would reject, drop or misread before a SET is sent, and explains its answer afterwards. */

import { ALGORITHM, type Algorithm } from './algorithm.js';
import { subjectJson } from './custom-subject.js';
import {
  type Caller,
  type Finding,
  findingsOf,
  type Place,
  partsOf,
  SsfError,
  unwrap,
  ValidationError,
} from './errors.js';
import { eventJson } from './events/encode.js';
import type { SsfEvent } from './events/union.js';
import { bytesOf, type Jwks, jwksJson } from './keys.js';
import {
  type JsonOrError,
  type NativeErrorParts,
  type NativeExplanation,
  type NativeLinterSettings,
  native,
} from './native.js';
import {
  anything,
  audience,
  bytes,
  checked,
  checkedArgument,
  count,
  date,
  either,
  instance,
  iterable,
  object,
  string,
  stringMap,
  stringPairs,
} from './options.js';
import { DIALECT, Dialect, type DialectId } from './receiver.js';
import { SignedSet, UnsignedSet } from './sets.js';
import type { Subject } from './subjects.js';

/** Facts about receiver and transmitter. With more facts, lint finds more. */
export interface LintContext {
  /** The receiver's dialect; `ssf-1.0` by default. */
  readonly dialect?: Dialect | DialectId | undefined;
  /** The issuer that is registered at the receiver. */
  readonly issuer?: string | undefined;
  /** The audience that the receiver expects. */
  readonly audience?: string | readonly string[] | undefined;
  /** The published keys: signatures are then verified too. */
  readonly jwks?: Jwks | object | string | undefined;
  /** The reference time to detect times in the future; now by default. */
  readonly now?: Date | undefined;
  /** The algorithm in the header of the SETs, to lint an event with it. */
  readonly algorithm?: Algorithm | undefined;
  /** The `kid` of that header. */
  readonly kid?: string | undefined;
}

/** An event before it is a SET. */
export interface LintedEvent {
  readonly event: SsfEvent;
  readonly subject?: Subject | undefined;
}

/** The answer of a receiver. */
export interface ReceiverAnswer {
  readonly status: number;
  /** An object, or pairs, such as those of a `Headers` or a `Map`. */
  readonly headers?: Readonly<Record<string, string>> | Iterable<readonly [string, string]> | undefined;
  readonly body?: string | Uint8Array | undefined;
}

/** A possible cause, and how to fix it: one sentence each. */
export interface Cause {
  readonly cause: string;
  readonly remedy: string;
}

/** An explanation of a receiver's answer. Except for `said`, it contains no value of the SET. */
export interface Explanation extends Cause {
  /** Whether the receiver accepted the SET. */
  readonly isDelivered: boolean;
  /** A stable name for the cause: the id of a rule, the code of the answer, `content-type`, the code of an error, or `delivered`. */
  readonly reason: string;
  /** Other possible causes; after an accepted SET, reasons why nothing may happen. */
  readonly possible: readonly Cause[];
  /** The findings in the SET. */
  readonly findings: readonly Finding[];
  /** What the receiver wrote, shortened. It may quote the SET: keep it out of logs. */
  readonly said?: string | undefined;
}

const CONTEXT = {
  dialect: DIALECT,
  issuer: string,
  audience,
  jwks: either(object, string),
  now: date,
  algorithm: ALGORITHM,
  kid: string,
};
const ANSWER = { status: count, headers: either(stringMap, iterable), body: bytes };

function known(
  context: LintContext & { readonly contentType?: string | undefined },
  at: Caller | Place,
): NativeLinterSettings {
  checked(context, { ...CONTEXT, contentType: string }, [], at);
  const { audience, jwks } = context;
  return {
    dialect: Dialect.handle(context.dialect, at),
    issuer: context.issuer,
    audience: audience === undefined || typeof audience === 'string' ? audience : [...audience],
    jwks: jwks === undefined ? undefined : jwksJson(jwks, at),
    now: context.now?.getTime(),
    algorithm: context.algorithm,
    kid: context.kid,
    sentAs: context.contentType,
  };
}

/**
 * Lints an event, a SET, or a token from other software. Sends nothing, and returns findings even for an invalid
 * token.
 *
 * @example
 * ```ts
 * for (const { severity, rule, message } of lint(token, { dialect: 'okta' })) console.log(severity, rule, message);
 * ```
 */
export function lint(what: LintedEvent | UnsignedSet | SignedSet | string, context: LintContext = {}): Finding[] {
  const knows = known(context, lint);
  if (typeof what === 'string') return findingsOf(unwrap(native.lintText(knows, what), lint));
  if (what instanceof SignedSet) return findingsOf(unwrap(native.lintText(knows, what.toString()), lint));
  if (what instanceof UnsignedSet) {
    return findingsOf(unwrap(native.lintUnsigned(knows, UnsignedSet.handle(what)), lint));
  }
  checked(what, { event: anything, subject: anything }, [], lint);
  const { event, subject } = what;
  const [about, privateFormats] = writtenSubject(subject, lint);
  return findingsOf(unwrap(native.lintEvent(knows, writtenEvent(event, lint), about, privateFormats), lint));
}

/** The JSON text of an event, or why there is none: what `emit` throws is a finding here. */
export function writtenEvent(event: SsfEvent, at: Caller | Place): JsonOrError {
  return written(() => eventJson(event, at));
}

/** The same for a subject, and whether private formats are meant in it. */
export function writtenSubject(
  subject: Subject | undefined,
  at: Caller | Place,
): [written: JsonOrError | undefined, privateFormats: boolean] {
  const made = written(() => subjectJson(subject, at));
  // The core puts the place of the subject before that in it.
  return Array.isArray(made) ? made : [{ ...made, pointer: made.pointer?.replace(/^\/sub_id/, '') }, false];
}

function written<T>(write: () => T): T | NativeErrorParts {
  try {
    return write();
  } catch (error) {
    if (error instanceof ValidationError) return partsOf(error);
    throw error;
  }
}

/** Lints a published JWKS document, as an object or as text. */
export function lintJwks(document: object | string): Finding[] {
  return findingsOf(native.lintJwks(jwksJson(document, lintJwks)));
}

/**
 * Explains the answer of a receiver to a SET, or an error of `emit` or `deliver`. `set` may be empty if it is unknown.
 *
 * @example
 * ```ts
 * const { cause, remedy } = explain(set, { status: 400, body: answer }, { dialect: 'okta' });
 * ```
 */
export function explain(
  set: SignedSet | string,
  answer: ReceiverAnswer | SsfError,
  context: LintContext & {
    /** The content type that the SET was sent with. */
    readonly contentType?: string | undefined;
  } = {},
): Explanation {
  const at = explain;
  const knows = known(context, at);
  checkedArgument('set', set, either(string, instance(SignedSet, 'a SignedSet')), at);
  const explanation = explanationOf(unwrap(explained(knows, `${set}`, answer, at), at));
  // Where there was no answer, lint has spoken before.
  const found = answer instanceof SsfError && answer.status === undefined ? answer.findings : undefined;
  return found === undefined ? explanation : { ...explanation, findings: found };
}

function explained(knows: NativeLinterSettings, set: string, answer: ReceiverAnswer | SsfError, at: Caller | Place) {
  if (answer instanceof SsfError) return native.explainError(knows, set, partsOf(answer));
  const { status, headers = {}, body = '' } = checked(answer, ANSWER, ['status'], at);
  const pairs = iterable.is(headers) ? [...(headers as Iterable<[string, string]>)] : Object.entries(headers);
  return native.explain(knows, set, status, checkedArgument('headers', pairs, stringPairs, at).flat(), bytesOf(body));
}

function explanationOf(explanation: NativeExplanation): Explanation {
  return { ...explanation, said: explanation.said ?? undefined, findings: findingsOf(explanation.findings) };
}
