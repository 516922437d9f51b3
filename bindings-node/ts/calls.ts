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

/**
 * Who waits, by the number of the call; undefined where nobody does any more. A number is used again once its result has
 * arrived. A Map would copy its entries to a new table again and again, and each old table would keep those that it had in it
 * alive, which the garbage collector copies until the next full collection.
 */
const waiting: (Waiting | undefined)[] = [];
/** Numbers whose results have arrived. */
const free: number[] = [];
/** How many wait. */
let count = 0;
const mailbox: NativeMailbox = new native.Mailbox(take);

/** Keeps the process alive as long as a result is waited for, and no longer. */
const alive = setInterval(() => {}, 2 ** 31 - 1).unref();

function take(): void {
  const arrived = mailbox.take();
  for (let index = 0; index < arrived.length; index += 2) {
    settle(arrived[index] as number, arrived[index + 1]);
  }
}

function settle(number: number, value: unknown): void {
  const entry = waiting[number];
  if (entry === undefined) {
    // Nobody waits for an abandoned call, but it may still be pending.
    (value as { abandon?(): void } | null | undefined)?.abandon?.();
    free.push(number);
    return;
  }
  forget(number);
  free.push(number);
  if (isFailure(value)) entry.reject(failed(value, entry.place));
  else entry.resolve(value);
}

function wait(number: number, entry: Waiting): void {
  if (count++ === 0) alive.ref();
  waiting[number] = entry;
}

function forget(number: number): void {
  waiting[number] = undefined;
  if (--count === 0) alive.unref();
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
    const number = free.pop() ?? waiting.push(undefined) - 1;
    const refused = start(mailbox, number);
    if (isFailure(refused)) {
      free.push(number);
      reject(failed(refused, place));
      return;
    }
    if (signal === undefined) {
      wait(number, { place, resolve: resolve as (value: unknown) => void, reject });
      return;
    }
    const release = onAbort(signal, () => {
      mailbox.abort(number);
      forget(number);
      reject(signal.reason);
    });
    wait(number, {
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
