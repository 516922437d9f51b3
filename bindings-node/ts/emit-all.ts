/** Many events at once. */

import { onAbort } from './abort.js';
import type { Place } from './errors.js';
import type { SsfEvent } from './events/union.js';
import { type NativeRequestLimit, native } from './native.js';
import { checked, count, signal } from './options.js';
import type { Receipt } from './sets.js';
import type { Subject } from './subjects.js';
import type { EmitOptions } from './transmitter.js';

/** One of many: an event for a subject to a receiver. */
export interface Emission extends Omit<EmitOptions, 'signal'> {
  readonly event: SsfEvent;
  /** The subject of the event; absent if the event contains it. */
  readonly subject?: Subject | undefined;
}

/** The result of one emission: either a receipt, or an error. */
export type Emitted<E extends Emission = Emission> = {
  /** The index of the emission, from zero. */
  readonly index: number;
  /** The emission. */
  readonly emission: E;
} & (
  | { readonly receipt: Receipt; readonly error?: undefined }
  | { readonly receipt?: undefined; readonly error: Error }
);

/** The settings of `emitAll`. */
export interface EmitAllOptions {
  /** Maximum number of concurrent requests; 32 by default, at most 1024. */
  readonly concurrency?: number | undefined;
  /** Aborts all deliveries. */
  readonly signal?: AbortSignal | undefined;
}

/** Sends one of many. */
export type Batch<E> = (emission: E, limit: NativeRequestLimit, signal: AbortSignal) => Promise<Receipt>;

/** Sends what `emissions` gives, as there is room, and gives what is done. */
export async function* emitAll<E extends Emission>(
  emissions: Iterable<E> | AsyncIterable<E>,
  options: EmitAllOptions,
  send: Batch<E>,
  at: Place,
): AsyncGenerator<Emitted<E>, void, undefined> {
  checked(options, { concurrency: count, signal }, [], at);
  const limit = new native.RequestLimit(Math.min(options.concurrency ?? 32, 1024));
  const ending = new AbortController();
  const stop = ending.signal;
  const abandon = () => ending.abort(options.signal?.reason);
  if (options.signal?.aborted) abandon();
  const release = options.signal === undefined ? () => {} : onAbort(options.signal, abandon);
  const source = Symbol.asyncIterator in emissions ? emissions[Symbol.asyncIterator]() : emissions[Symbol.iterator]();
  const done: Emitted<E>[] = [];
  let wake = () => {};
  let started = 0;
  let finished = 0;
  let exhausted = false;
  let broken: { readonly error: unknown } | undefined;

  const begin = (emission: E) => {
    const index = started++;
    const end = (result: Emitted<E>) => {
      finished++;
      done.push(result);
      wake();
    };
    // What is no emission fails at once, and counts as one that has ended.
    Promise.resolve()
      .then(() => send(emission, limit, stop))
      .then(
        (receipt) => end({ index, emission, receipt }),
        (error) => end({ index, emission, error }),
      );
  };
  // Takes one at a time, and only as there is room; a slow source delays no result.
  const take = async () => {
    while (!exhausted && !stop.aborted) {
      while (started - finished >= limit.window && !stop.aborted) await room();
      if (stop.aborted) break;
      const next = await source.next();
      if (next.done) exhausted = true;
      else begin(next.value);
    }
  };
  let makeRoom = () => {};
  const room = () =>
    new Promise<void>((resolve) => {
      makeRoom = resolve;
    });
  const taking = take()
    .catch((error: unknown) => {
      broken = { error };
    })
    .finally(() => {
      exhausted = true;
      wake();
    });
  const aborted = () => {
    makeRoom();
    wake();
  };
  stop.addEventListener('abort', aborted, { once: true });

  try {
    for (;;) {
      const next = done.shift();
      if (next !== undefined) {
        makeRoom();
        yield next;
        continue;
      }
      if (options.signal?.aborted) throw options.signal.reason;
      if (exhausted && finished === started) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (broken !== undefined) throw broken.error;
  } finally {
    stop.removeEventListener('abort', aborted);
    release();
    ending.abort();
    makeRoom();
    if (!exhausted) void Promise.resolve(source.return?.()).catch(() => {});
    void taking;
  }
}
