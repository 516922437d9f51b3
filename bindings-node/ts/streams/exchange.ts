/** One request and its answer, whatever server has it. */

import { clearTimeout, setTimeout } from 'node:timers';

import { call } from '../calls.js';
import { type Place, unwrap } from '../errors.js';
import type { NativeAnswer, NativeRequestHead, NativeStreamApi, NativeStreamCall } from '../native.js';
import { type Authenticated, callerOf } from './caller.js';

/** What the API reads of the headers. */
export const READ = ['authorization', 'content-length', 'content-type', 'if-none-match'];

/** How many milliseconds a caller may take to send a body. */
const BODY_TIME = 10_000;

/** Reads a body up to one byte more than the limit. It may end early when the signal says that it is late. */
type Read = (limit: number, late: AbortSignal) => Promise<Uint8Array>;

/** Who calls, as the head of a request says it: `authenticate` found out, or the API does. */
export async function admission<R>(
  authenticate: ((request: R) => Authenticated) | undefined,
  request: R,
  at: Place,
): Promise<Pick<NativeRequestHead, 'admit' | 'caller'>> {
  const caller = await authenticate?.(request);
  return { admit: authenticate === undefined, caller: caller == null ? undefined : callerOf(caller, at) };
}

/** The answer to a request. The body is read only where the API needs it and the caller is permitted. */
export async function answered(
  api: NativeStreamApi,
  head: NativeRequestHead,
  read: Read,
  at: Place,
  signal: AbortSignal,
): Promise<NativeAnswer> {
  const begun = await call<NativeAnswer | NativeStreamCall>(
    (mailbox, number) => api.begin(mailbox, number, head),
    at,
    signal,
  );
  if ('status' in begun) return begun;
  const body = begun.limit === 0 ? new Uint8Array() : await inTime((late) => read(begun.limit, late));
  if (body === undefined) return unwrap(begun.tooSlow(), at);
  return call((mailbox, number) => begun.respond(mailbox, number, body), at, signal);
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
