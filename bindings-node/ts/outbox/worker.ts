/** Workers: they run on the threads of the library, and ask here for receivers and signatures. */

import { types } from 'node:util';

import { onAbort } from '../abort.js';
import { call } from '../calls.js';
import type { SsfErrorCode } from '../codes.js';
import { codeOf, errorOf, Place, partsOf, SsfError } from '../errors.js';
import type { KeySet } from '../keys.js';
import {
  type NativeQuestion,
  type NativeRunningWorker,
  type NativeTransmitter,
  type NativeWorkerSettings,
  native,
} from '../native.js';
import { checked, checkedArgument, count, either, func, instance, object, signal, span } from '../options.js';
import { handleOf, type Receiver } from '../receiver.js';
import { told, warn } from '../report.js';
import { signed } from '../signing.js';
import { StreamApi } from '../streams/api.js';
import { Transmitter } from '../transmitter.js';
import { Outbox } from './outbox.js';
import { type Failure, failureOf } from './records.js';

/** The receivers by name: an object, a `Map`, or a function, which may be async. */
export type Receivers =
  | Readonly<Record<string, Receiver>>
  | ReadonlyMap<string, Receiver>
  | ((name: string) => Receiver | null | undefined | Promise<Receiver | null | undefined>);

/** The settings of a worker. Spans are in milliseconds. */
export interface WorkerOptions {
  /**
   * The receivers by name. The worker keeps what it finds for five minutes, or until the receiver rejects the sender. A name
   * without a receiver pauses the deliveries to it.
   */
  readonly receivers: Receivers;
  /** The stream API whose push streams it serves, too. */
  readonly streams?: StreamApi | undefined;
  /** Called once when a receiver is paused, with the reason, and once when it is resumed, without one. It may be async. */
  readonly onAlert?: ((receiver: string, failure: Failure | undefined) => unknown) | undefined;
  /**
   * Called with what a function of yours threw: `receivers`, `onAlert`, or the one of a signer. By default, it is a warning of the
   * process. The deliveries that are affected wait or fail, and the worker goes on.
   */
  readonly onError?: ((error: unknown) => unknown) | undefined;
  /** How many deliveries are in flight at once; 64 by default. */
  readonly concurrency?: number | undefined;
  /** How many deliveries to one receiver are claimed at once; 8 by default. */
  readonly perReceiver?: number | undefined;
  /** How long a claim holds; twice the deadline of the transmitter, and a minute at least, by default. */
  readonly lease?: number | undefined;
  /** How long deliveries may take to end after {@link Worker.stop}; the deadline of the transmitter by default. */
  readonly grace?: number | undefined;
  /** How often it looks at the store if nothing reports a change; once a second by default. */
  readonly poll?: number | undefined;
  /** How often a delivery is attempted; 25 by default. */
  readonly maxAttempts?: number | undefined;
  /** The longest wait before the second attempt; 2 seconds by default. Each further wait is twice as long. */
  readonly base?: number | undefined;
  /** The longest wait; an hour by default. */
  readonly maxBackoff?: number | undefined;
  /** How long deliveries are kept that were delivered; a day by default. */
  readonly keepDelivered?: number | undefined;
  /** How long deliveries are kept that are dead; 30 days by default. */
  readonly keepDead?: number | undefined;
  /** How long deliveries are kept that were discarded; 7 days by default. */
  readonly keepDiscarded?: number | undefined;
}

/** The settings of a run. */
export interface RunOptions {
  /** Stops the worker, as {@link Worker.stop} does. When it has ended, the call fails with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

/** What a call of {@link Worker.drain} did. */
export interface Drained {
  /** SETs that were delivered. */
  readonly delivered: number;
  /** Attempts that failed. */
  readonly failed: number;
}

/** How a worker is, since it started. States and ages of deliveries are in the outbox. */
export interface Health {
  /** Deliveries in flight. */
  readonly inFlight: number;
  /** SETs that were delivered. */
  readonly delivered: number;
  /** Attempts that failed. */
  readonly failed: number;
  /** Settlements that changed nothing, because the lease had ended. */
  readonly lost: number;
  /** Errors of the store. */
  readonly storeErrors: number;
  /** The code of the last error of the store, until an operation succeeds. */
  readonly storeError?: SsfErrorCode;
}

const SETTINGS = {
  concurrency: count,
  perReceiver: count,
  lease: span,
  grace: span,
  poll: span,
  maxAttempts: count,
  base: span,
  maxBackoff: span,
  keepDelivered: span,
  keepDead: span,
  keepDiscarded: span,
};
const OPTIONS = {
  receivers: either(object, func),
  streams: instance(StreamApi, 'a StreamApi'),
  onAlert: func,
  onError: func,
  ...SETTINGS,
};

/**
 * Sends what waits in an outbox: claims deliveries, builds and signs SETs, delivers and settles them. All of it is done on the
 * threads of the library; the event loop finds receivers, and signs where the key is a {@link Signer}.
 *
 * Run as many as you need, in any number of threads and processes. A worker does not end because of an error of the store. A
 * process stays alive while a worker runs.
 *
 * @example
 * ```ts
 * const worker = new Worker(outbox, transmitter, {
 *   receivers: async (name) => receiverOf(await customers.find(name)),
 *   onAlert: (name, failure) => console.error(name, failure?.remedy ?? 'is resumed'),
 * });
 * process.once('SIGTERM', () => worker.stop());
 * await worker.run();
 * ```
 */
export class Worker implements AsyncDisposable {
  readonly #outbox: Outbox;
  readonly #transmitter: NativeTransmitter;
  readonly #keys: KeySet;
  readonly #options: WorkerOptions;
  #running: NativeRunningWorker | undefined;
  #ended: Promise<unknown> | undefined;
  #stopped = false;

  /**
   * Takes the settings.
   *
   * @throws {ConfigError} If one is wrong; `pointer` names it.
   */
  constructor(outbox: Outbox, transmitter: Transmitter, options: WorkerOptions) {
    this.#outbox = checkedArgument('outbox', outbox, instance(Outbox, 'an Outbox'), Worker);
    checkedArgument('transmitter', transmitter, instance(Transmitter, 'a Transmitter'), Worker);
    [this.#transmitter, this.#keys] = Transmitter.handle(transmitter);
    this.#options = checked(options, OPTIONS, ['receivers'], Worker);
  }

  /**
   * Runs until {@link Worker.stop} is called. A worker runs once at a time.
   *
   * @throws {ConfigError} If a setting is wrong, or the transmitter is closed.
   */
  async run(options: RunOptions = {}): Promise<void> {
    await this.#work(false, options, new Place(this.run));
  }

  /**
   * Sends what is ready now, and returns: for jobs that run from time to time. What waits for a time, such as a retry, stays.
   *
   * @throws {ConfigError} If a setting is wrong, or the transmitter is closed.
   * @throws {OutboxError} If the store fails.
   *
   * @example
   * ```ts
   * const { delivered, failed } = await worker.drain();
   * ```
   */
  async drain(options: RunOptions = {}): Promise<Drained> {
    return this.#work(true, options, new Place(this.drain));
  }

  /**
   * Ends the worker for good: it claims nothing more, and lets deliveries end within the grace. Those that have not ended then are
   * released, and no attempt is spent. Resolves when the worker has ended.
   */
  async stop(): Promise<void> {
    this.#stop();
    // What it ended with is told to whom has started it.
    await this.#ended?.catch(() => {});
  }

  /** {@link Worker.stop}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** How the worker is. */
  get health(): Health {
    const none = { inFlight: 0, delivered: 0, failed: 0, lost: 0, storeErrors: 0 };
    const { storeError, ...health } = this.#running?.health() ?? { ...none, storeError: undefined };
    return storeError === undefined ? health : { ...health, storeError: codeOf(storeError) };
  }

  #stop(): void {
    this.#stopped = true;
    this.#running?.stop();
  }

  async #work(drain: boolean, options: RunOptions, at: Place): Promise<Drained> {
    const { signal: aborted } = checked(options, { signal }, [], at);
    if (aborted?.aborted) throw aborted.reason;
    if (this.#ended !== undefined) throw errorOf('SSF_CONFIGURATION_INVALID', 'the worker runs already', at);
    const release = aborted === undefined ? () => {} : onAbort(aborted, () => this.#stop());
    try {
      this.#ended = this.#serve(drain, at);
      const drained = await (this.#ended as Promise<Drained>);
      if (aborted?.aborted) throw aborted.reason;
      return drained;
    } finally {
      this.#ended = undefined;
      release();
    }
  }

  async #serve(drain: boolean, at: Place): Promise<Drained> {
    if (this.#stopped) return { delivered: 0, failed: 0 };
    const outbox = Outbox.handle(this.#outbox);
    const settings = settingsOf(this.#options);
    const streams = this.#options.streams && StreamApi.handle(this.#options.streams);
    const running = await call<NativeRunningWorker>(
      (mailbox, number) =>
        native.RunningWorker.start(mailbox, number, outbox, this.#transmitter, settings, drain, streams),
      at,
    );
    this.#running = running;
    // It may have been stopped while it was started.
    if (this.#stopped) running.stop();
    for (;;) {
      const question = await call<NativeQuestion | null>((mailbox, number) => running.next(mailbox, number), at);
      if (question === null) break;
      void this.#answer(question, at);
    }
    return call((mailbox, number) => running.result(mailbox, number), at);
  }

  /** Never rejects: a question without an answer is a failure of its delivery. */
  async #answer(question: NativeQuestion, at: Place): Promise<void> {
    try {
      if (question.kind === 'receiver') await this.#find(question, at);
      else if (question.kind === 'signature') await this.#sign(question, at);
      else await this.#alert(question);
    } catch (error) {
      this.#report(error);
    } finally {
      question.abandon();
    }
  }

  async #find(question: NativeQuestion, at: Place): Promise<void> {
    try {
      const receiver = await find(this.#options.receivers, question.receiver ?? '');
      question.found(receiver == null ? undefined : handleOf(receiver, at, 'receivers'));
    } catch (error) {
      const own = error instanceof SsfError ? error : undefined;
      question.failed(partsOf(own ?? errorOf('SSF_RECEIVER_UNKNOWN', 'the function that finds receivers failed', at)));
      throw error;
    }
  }

  async #sign(question: NativeQuestion, at: Place): Promise<void> {
    const wanted = question.toSign();
    if (wanted === null) return;
    try {
      const { kid, signingInput, digest = null } = wanted;
      const request = { kid, signingInput, digest, timeLeft: this.#transmitter.deadline };
      question.signed(...(await signed(this.#keys, request, undefined, at)));
    } catch (error) {
      if (error instanceof SsfError) question.failed(partsOf(error));
      throw error instanceof SsfError && error.cause !== undefined ? error.cause : error;
    }
  }

  async #alert(question: NativeQuestion): Promise<void> {
    const { receiver, failure } = question;
    await this.#options.onAlert?.(receiver ?? '', failure === null ? undefined : failureOf(failure));
  }

  #report(error: unknown): void {
    const { onError = warn } = this.#options;
    told(() => onError(error));
  }
}

async function find(receivers: Receivers, name: string): Promise<Receiver | null | undefined> {
  if (typeof receivers === 'function') return receivers(name);
  if (types.isMap(receivers)) return (receivers as ReadonlyMap<string, Receiver>).get(name);
  const known = receivers as Readonly<Record<string, Receiver>>;
  return Object.hasOwn(known, name) ? known[name] : undefined;
}

function settingsOf(options: WorkerOptions): NativeWorkerSettings {
  const names = Object.keys(SETTINGS) as (keyof NativeWorkerSettings)[];
  return Object.fromEntries(names.map((name) => [name, options[name]])) as unknown as NativeWorkerSettings;
}
