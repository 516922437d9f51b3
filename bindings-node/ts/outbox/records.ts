/** What an outbox tells of its deliveries and receivers. */

import type { SsfErrorCode } from '../codes.js';
import { codeOf } from '../errors.js';
import type {
  NativeAttempt,
  NativeDelivery,
  NativeDeliveryFailure,
  NativeHistory,
  NativeOutboxHealth,
  NativeOutboxReceiver,
  NativeRefused,
} from '../native.js';
import type { Priority } from './entry.js';

/** Where a delivery is. The last three are final. */
export type DeliveryState = 'waiting' | 'in_flight' | 'delivered' | 'dead' | 'discarded';

/**
 * The ledger of an outbox in numbers. Those of the past include deliveries that were removed since.
 *
 * `enqueued` is always `waiting + inFlight + delivered + dead + expired + superseded + removed`.
 */
export interface OutboxCounts {
  /** Deliveries that were accepted. */
  readonly enqueued: number;
  /** Those that wait. */
  readonly waiting: number;
  /** Those that a worker has. */
  readonly inFlight: number;
  /** Those that receivers have. */
  readonly delivered: number;
  /** Those that failed for good. */
  readonly dead: number;
  /** Discarded because they waited too long. */
  readonly expired: number;
  /** Discarded because a newer one replaced them. */
  readonly superseded: number;
  /** Discarded by a person. */
  readonly removed: number;
}

/** How an outbox is: what to watch, and to alert on. */
export interface OutboxHealth {
  /** When the oldest of the deliveries that wait was enqueued; absent if none waits. */
  readonly oldestWaiting?: Date;
  /** How many were delivered in the last minute, as far as the outbox still has them. */
  readonly deliveredInLastMinute: number;
  /** How many receivers are paused. */
  readonly paused: number;
  /** How many entries of transactions could not be taken over; absent without PostgreSQL. */
  readonly refused?: number;
  /**
   * When the oldest transaction began that keeps the database from removing old rows, as far as the outbox may see it; absent without
   * PostgreSQL.
   */
  readonly oldestSnapshot?: Date;
  /** The length of the file, unless the outbox is in memory. */
  readonly fileBytes?: number;
  /** The length of the write-ahead log beside it. */
  readonly logBytes?: number;
}

/** Why a delivery failed. */
export interface Failure {
  /** The stable code; `docs/errors.md` explains each. */
  readonly code: SsfErrorCode;
  /** What went wrong, in one sentence. */
  readonly message: string;
  /** How to fix it, in one sentence. */
  readonly remedy: string;
  /** The HTTP status of the answer, if there was one. */
  readonly status?: number;
  /** The error code that the receiver gave. */
  readonly receiverError?: string;
  /** The receiver's words. They are not shown when the failure is printed, and not part of its JSON. */
  readonly receiverDescription?: string;
}

/** One attempt to deliver a SET. */
export interface Attempt {
  /** When it began. */
  readonly at: Date;
  /** How many milliseconds it took. */
  readonly duration: number;
  /** The key that signed, by its `kid`. */
  readonly kid?: string;
  /** The HTTP status of the answer, if there was one. */
  readonly status?: number;
  /** Why it failed, if it did. */
  readonly failure?: Failure;
}

/** A delivery in an outbox: one event to one receiver. */
export interface Delivery {
  /** The id of its SET. */
  readonly jti: string;
  /** The name of its receiver. */
  readonly receiver: string;
  /** The event: the `type` of an event of the catalogue, or an event type URI. */
  readonly event: string;
  /** Where it is. */
  readonly state: DeliveryState;
  /** When it was enqueued, which is the `iat` of its SET. */
  readonly enqueuedAt: Date;
  /** Its priority. */
  readonly priority: Priority;
  /** How many attempts it has spent. */
  readonly attempts: number;
  /** Not sent before this time, if it waits for one. */
  readonly dueAt?: Date;
  /** Discarded at this time if it has not been sent. */
  readonly expiresAt: Date;
  /** When it ended. */
  readonly endedAt?: Date;
  /** Why the last attempt failed, or why it is dead. */
  readonly failure?: Failure;
  /** Why it was discarded. */
  readonly discard?: 'expired' | 'superseded' | 'removed';
  /** The `jti` of the delivery that replaced it. */
  readonly supersededBy?: string;
}

/** A delivery and all its attempts. */
export interface History {
  /** The delivery. */
  readonly delivery: Delivery;
  /** Its attempts, the first one first. */
  readonly attempts: readonly Attempt[];
}

/** A receiver of an outbox. */
export interface OutboxReceiver {
  /** Its name. */
  readonly name: string;
  /** Whether deliveries to it go: `held` by a person, `paused` until a probe succeeds. */
  readonly status: 'active' | 'paused' | 'held';
  /** Since when; absent if the status never changed. */
  readonly since?: Date;
  /** Nothing is sent before this time: the next probe, or the time that the receiver asked for. */
  readonly resumeAt?: Date;
  /** Why the last delivery failed, since the last success. */
  readonly failure?: Failure;
  /** When a delivery succeeded last. */
  readonly deliveredAt?: Date;
  /** When a delivery failed last. */
  readonly failedAt?: Date;
  /** When the oldest delivery that waits was enqueued. */
  readonly oldestWaiting?: Date;
  /** Deliveries that were accepted. */
  readonly enqueued: number;
  /** Those that wait. */
  readonly waiting: number;
  /** Those that a worker has. */
  readonly inFlight: number;
  /** Those that the receiver has. */
  readonly delivered: number;
  /** Those that failed for good. */
  readonly dead: number;
  /** Those that were discarded. */
  readonly discarded: number;
}

/** An entry of a transaction that could not be taken over. */
export interface Refused {
  /** Its number. */
  readonly id: number;
  /** When the transaction inserted it. */
  readonly enqueuedAt: Date;
  /** When a worker refused it. */
  readonly refusedAt: Date;
  /**
   * Why: `SSF_OUTBOX_CONFLICT` for a known `jti`, or an idempotency key that belongs to other content; `SSF_OUTBOX_ENTRY_INVALID` for
   * what is not an entry.
   */
  readonly code: SsfErrorCode;
  /** The event: the `type` of an event of the catalogue, or an event type URI; absent for what is not an entry. */
  readonly event?: string;
  /** The ids of the SETs, in the order of the receivers. */
  readonly jtis: readonly string[];
  /** The names of the receivers. */
  readonly receivers: readonly string[];
}

/** What was saved of a damaged outbox. */
export interface Salvaged {
  /** Deliveries that wait or are in flight, and are in the new file. */
  readonly kept: number;
  /** Those that are lost, as far as the counts of the receivers can still be read. */
  readonly lost: number;
  /** Where the damaged file is now. */
  readonly movedTo: string;
}

/** The failure, with the receiver's words where nobody prints them by accident. */
export function failureOf({ code, receiverDescription, ...failure }: NativeDeliveryFailure): Failure {
  const shown = { code: codeOf(code), ...failure };
  if (receiverDescription === undefined) return shown;
  return Object.defineProperty(shown, 'receiverDescription', { value: receiverDescription, enumerable: false });
}

export function deliveryOf(delivery: NativeDelivery): Delivery {
  return converted(delivery, ['enqueuedAt', 'dueAt', 'expiresAt', 'endedAt']) as unknown as Delivery;
}

export function historyOf({ delivery, attempts }: NativeHistory): History {
  return { delivery: deliveryOf(delivery), attempts: attempts.map(attemptOf) };
}

export function healthOf(health: NativeOutboxHealth): OutboxHealth {
  const { oldestWaiting, oldestSnapshot, ...rest } = health;
  return {
    ...(oldestWaiting !== undefined && { oldestWaiting: new Date(oldestWaiting) }),
    ...(oldestSnapshot !== undefined && { oldestSnapshot: new Date(oldestSnapshot) }),
    ...rest,
  };
}

export function refusedOf({ code, enqueuedAt, refusedAt, ...rest }: NativeRefused): Refused {
  return { ...rest, code: codeOf(code), enqueuedAt: new Date(enqueuedAt), refusedAt: new Date(refusedAt) };
}

export function outboxReceiverOf(receiver: NativeOutboxReceiver): OutboxReceiver {
  const dates = ['since', 'resumeAt', 'deliveredAt', 'failedAt', 'oldestWaiting'] as const;
  return converted(receiver, dates) as unknown as OutboxReceiver;
}

function attemptOf(attempt: NativeAttempt): Attempt {
  return converted(attempt, ['at']) as unknown as Attempt;
}

/** A record with dates under these names, where it has times. */
function converted<T extends { failure?: NativeDeliveryFailure }>(record: T, dates: readonly (keyof T)[]): object {
  const shown: Record<keyof T, unknown> = { ...record };
  for (const name of dates) if (record[name] !== undefined) shown[name] = new Date(record[name] as number);
  if (record.failure !== undefined) shown.failure = failureOf(record.failure);
  return shown;
}
