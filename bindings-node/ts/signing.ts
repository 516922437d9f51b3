/** Signs pending emits with a signer, within one deadline. */

import { clearTimeout, setTimeout } from 'node:timers';

import { onAbort } from './abort.js';
import { call } from './calls.js';
import type { Check } from './diagnosis.js';
import { coreCode, errorOf, type Place, partsOf, SsfError } from './errors.js';
import { KeySet } from './keys.js';
import type { NativeExamination, NativePending, NativeReceipt, NativeRequest } from './native.js';
import { signatureOf } from './signature.js';
import { Signer } from './signer.js';

/** Signs an emit that waits, and delivers it. */
export async function delivered(
  keys: KeySet,
  pending: NativePending,
  signal: AbortSignal | undefined,
  at: Place,
): Promise<NativeReceipt> {
  let ended: string | undefined;
  try {
    const request = pending.request();
    if (request === null) return await call((mailbox, number) => pending.sign(mailbox, number), at, signal);
    const [bytes, der] = await signed(keys, request, signal, at);
    return await call((mailbox, number) => pending.deliver(mailbox, number, bytes, der), at, signal);
  } catch (error) {
    if (error instanceof SsfError) ended = coreCode(error.code);
    throw error;
  } finally {
    // Unless it was delivered, it ends here.
    pending.fail(ended);
  }
}

/** Signs what an examination waits for, if there is something, and ends it. */
export async function finished(
  keys: KeySet,
  examination: NativeExamination,
  signal: AbortSignal | undefined,
  at: Place,
): Promise<Check[]> {
  try {
    const request = examination.request();
    if (request === null) return await call((mailbox, number) => examination.sign(mailbox, number), at, signal);
    let signature: readonly [bytes: Uint8Array, der: boolean];
    try {
      signature = await signed(keys, request, signal, at);
    } catch (error) {
      if (!(error instanceof SsfError)) throw error;
      return await call((mailbox, number) => examination.fail(mailbox, number, partsOf(error)), at, signal);
    }
    return await call((mailbox, number) => examination.finish(mailbox, number, ...signature), at, signal);
  } finally {
    examination.abandon();
  }
}

/** The bytes that a signer gives, if it gives them in time, and whether they are DER. */
export async function signed(
  keys: KeySet,
  { kid, signingInput, digest, timeLeft }: NativeRequest,
  signal: AbortSignal | undefined,
  at: Place,
): Promise<[bytes: Uint8Array, der: boolean]> {
  if (signal?.aborted) throw signal.reason;
  let release = () => {};
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<never>((_, reject) => {
    if (signal !== undefined) release = onAbort(signal, () => reject(signal.reason));
    const late = () =>
      reject(errorOf('SSF_DEADLINE_EXCEEDED', 'the deadline passed while waiting for a signature', at));
    timer = setTimeout(late, Math.min(timeLeft, 2 ** 31 - 1));
  });
  const work = (async () => {
    try {
      return await Signer.call(KeySet.signer(keys, kid), signingInput, digest);
    } catch (cause) {
      throw errorOf('SSF_SIGNER_FAILED', 'the signer failed', at, { cause });
    }
  })();
  try {
    return signatureOf(await Promise.race([work, ended]), at);
  } finally {
    clearTimeout(timer);
    release();
  }
}
