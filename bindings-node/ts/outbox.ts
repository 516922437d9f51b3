/**
 * The outbox: what was accepted is kept until every receiver has it, or until you know why not.
 *
 * `docs/outbox.md` describes what is promised, what stops and what goes on, and how to operate it.
 *
 * @example
 * ```ts
 * import { caep, Receiver, SigningKey, Transmitter } from 'ssf-transmitter';
 * import { Outbox, Worker } from 'ssf-transmitter/outbox';
 *
 * const outbox = new Outbox('/var/lib/edr/outbox.db');
 * await outbox.enqueue(caep.sessionRevoked(), { format: 'email', email: 'ada@example.com' }, { to: 'acme' });
 *
 * const transmitter = new Transmitter({ issuer: 'https://edr.example.com', key: await SigningKey.generate() });
 * const receivers = { acme: Receiver.okta('https://acme.okta.com') };
 * await new Worker(outbox, transmitter, { receivers }).run(); // here, in a worker thread, or in another process
 * ```
 *
 * @module
 */

import './bundled.js';

export { type Enqueued, type Entry, type EntryOptions, entryJson, type Priority } from './outbox/entry.js';
export {
  type ConfiguredOutboxOptions,
  type DeliveryFilter,
  type DiscardOptions,
  type EnqueueOptions,
  type KeptOutboxOptions,
  type ListOptions,
  type MemoryOutboxOptions,
  Outbox,
  type OutboxOptions,
  type PruneOptions,
  type ReceiversOptions,
  type RefusedOptions,
  type ReplayOptions,
  type StateFilter,
  type Statement,
} from './outbox/outbox.js';
export type { Password } from './outbox/password.js';
export type {
  Attempt,
  Delivery,
  DeliveryState,
  Failure,
  History,
  OutboxCounts,
  OutboxHealth,
  OutboxReceiver,
  Refused,
  Salvaged,
} from './outbox/records.js';
export { Seal, type SealOptions } from './outbox/seal.js';
export {
  type Drained,
  type Health,
  type Receivers,
  type RunOptions,
  Worker,
  type WorkerOptions,
} from './outbox/worker.js';
