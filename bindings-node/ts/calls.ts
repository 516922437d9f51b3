/** Asynchronous calls: they run on other threads, and their results arrive here in batches. */

import { setInterval } from 'node:timers';

import { onAbort } from './abort.js';
import { type Caller, failed, isFailure, Place } from './errors.js';
import { type NativeMailbox, native, type Outcome } from './native.js';

interface Waiting {
  readonly place: Place;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

const waiting = new Map<number, Waiting>();
const mailbox: NativeMailbox = new native.Mailbox(take);
let last = 0;

/** Keeps the process alive as long as a result is waited for, and no longer. */
const alive = setInterval(() => {}, 2 ** 31 - 1).unref();

function take(): void {
  const arrived = mailbox.take();
  for (let index = 0; index < arrived.length; index += 2) {
    settle(arrived[index] as number, arrived[index + 1]);
  }
}

function settle(number: number, value: unknown): void {
  const entry = waiting.get(number);
  if (entry === undefined) {
    // Nobody waits for an abandoned call, but it may still be pending.
    (value as { abandon?(): void } | null | undefined)?.abandon?.();
    return;
  }
  forget(number);
  if (isFailure(value)) entry.reject(failed(value, entry.place));
  else entry.resolve(value);
}

function forget(number: number): void {
  waiting.delete(number);
  if (waiting.size === 0) alive.unref();
}

/**
 * Starts something, and waits for its result.
 *
 * `caller` is the function that the user called: the stack of an error begins below it. When `signal` says so the call
 * is abandoned, and fails with the signal's reason.
 */
export function call<T>(
  start: (mailbox: NativeMailbox, number: number) => Outcome<void>,
  caller: Caller | Place,
  signal?: AbortSignal,
): Promise<T> {
  const place = caller instanceof Place ? caller : new Place(caller);
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    last = (last + 1) % 2 ** 32;
    const number = last;
    const refused = start(mailbox, number);
    if (isFailure(refused)) {
      reject(failed(refused, place));
      return;
    }
    if (waiting.size === 0) alive.ref();
    if (signal === undefined) {
      waiting.set(number, { place, resolve: resolve as (value: unknown) => void, reject });
      return;
    }
    const release = onAbort(signal, () => {
      mailbox.abort(number);
      forget(number);
      reject(signal.reason);
    });
    waiting.set(number, {
      place,
      resolve: (value) => {
        release();
        resolve(value as T);
      },
      reject: (reason) => {
        release();
        reject(reason);
      },
    });
  });
}
