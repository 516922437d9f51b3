/** One request and its answer, whatever server has it. */

import { clearTimeout, setTimeout } from 'node:timers';

import { call } from '../calls.js';
import { codeOf, errorOf, type Place, partsOf, SsfError, unwrap } from '../errors.js';
import type { KeySet } from '../keys.js';
import type {
  NativeAnswer,
  NativeRequest,
  NativeRequestHead,
  NativeSignature,
  NativeStreamApi,
  NativeStreamCall,
  NativeStreamSigning,
} from '../native.js';
import { told } from '../report.js';
import { signed } from '../signing.js';
import { type Audit, toldOf } from './audit.js';
import { type Authenticated, callerOf } from './caller.js';

/** What the API reads of the headers. */
export const READ = ['authorization', 'content-length', 'content-type', 'if-none-match'];

/** How many milliseconds a caller may take to send a body. */
const BODY_TIME = 10_000;

/** Reads a body up to one byte more than the limit. It may end early when the signal says that it is late. */
type Read = (limit: number, late: AbortSignal) => Promise<Uint8Array>;

/** What a mount serves, in a server with requests of this type. */
export interface Mounted<R> {
  readonly api: NativeStreamApi;
  /** What signs, if functions of the host do. */
  readonly keys: KeySet;
  readonly authenticate: ((request: R) => Authenticated) | undefined;
  readonly onError: (error: unknown, request: R) => unknown;
  readonly onAudit: ((audit: Audit) => unknown) | undefined;
  readonly at: Place;
}

/** Who calls, as the head of a request says it: `authenticate` found out, or the API does. */
export async function admission<R>(
  { authenticate, at }: Mounted<R>,
  request: R,
): Promise<Pick<NativeRequestHead, 'admit' | 'caller'>> {
  const caller = await authenticate?.(request);
  return { admit: authenticate === undefined, caller: caller == null ? undefined : callerOf(caller, at) };
}

/** The answer to a request. The body is read only where the API needs it and the caller is permitted. */
export async function answered<R>(
  mounted: Mounted<R>,
  request: R,
  head: NativeRequestHead,
  read: Read,
  signal: AbortSignal,
): Promise<NativeAnswer> {
  const { at, onError, onAudit } = mounted;
  const [answer, cause] = await exchanged(mounted, head, read, signal);
  const { failure, audits } = answer;
  toldOf(audits, onAudit);
  if (failure !== undefined) {
    told(() => onError(errorOf(codeOf(failure.code), failure.message, at, { cause }), request));
  }
  return answer;
}

/** The answer, and what a signer threw. */
async function exchanged<R>(
  { api, keys, at }: Mounted<R>,
  head: NativeRequestHead,
  read: Read,
  signal: AbortSignal,
): Promise<[answer: NativeAnswer, cause?: unknown]> {
  const begun = await call<NativeAnswer | NativeStreamCall>(
    (mailbox, number) => api.begin(mailbox, number, head),
    at,
    signal,
  );
  if ('status' in begun) return [begun];
  const body = begun.limit === 0 ? new Uint8Array() : await inTime((late) => read(begun.limit, late));
  if (body === undefined) return [unwrap(begun.tooSlow(), at)];
  const step = await call<NativeAnswer | NativeStreamSigning>(
    (mailbox, number) => begun.respond(mailbox, number, body),
    at,
    signal,
  );
  return 'status' in step ? [step] : signedBy(keys, step, at, signal);
}

/** The answer, when all its SETs are signed at once. */
async function signedBy(
  keys: KeySet,
  signing: NativeStreamSigning,
  at: Place,
  signal: AbortSignal,
): Promise<[answer: NativeAnswer, cause?: unknown]> {
  let cause: unknown;
  const sign = async (request: NativeRequest): Promise<NativeSignature> => {
    try {
      const [bytes, der] = await signed(keys, request, signal, at);
      return { bytes, der, error: undefined };
    } catch (error) {
      if (!(error instanceof SsfError)) throw error;
      cause ??= error.cause;
      return { bytes: undefined, der: false, error: partsOf(error) };
    }
  };
  try {
    const signatures = await Promise.all(signing.requests().map(sign));
    const answer = await call<NativeAnswer>(
      (mailbox, number) => signing.finish(mailbox, number, signatures),
      at,
      signal,
    );
    return [answer, cause];
  } finally {
    // Unless it was answered, it ends here.
    signing.abandon();
  }
}

/** What is read, or `undefined` if it takes too long. */
async function inTime(read: (late: AbortSignal) => Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), BODY_TIME);
  try {
    const body = await read(late.signal);
    return late.signal.aborted ? undefined : body;
  } catch (error) {
    if (late.signal.aborted) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
