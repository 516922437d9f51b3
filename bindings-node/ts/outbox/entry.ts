/** Entries, and how they cross. */

import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers';

import { subjectJson } from '../custom-subject.js';
import { type Finding, findingsOf, ofItem, Place, SsfError, unwrap } from '../errors.js';
import { eventJson } from '../events/encode.js';
import type { SsfEvent } from '../events/union.js';
import { type NativeAccepted, type NativeEntries, type NativeOutbox, native } from '../native.js';
import { anything, boolean, checked, date, list, oneOf, span, string, stringOrStrings } from '../options.js';
import type { Subject } from '../subjects.js';

/** Which deliveries to a receiver go first. */
export type Priority = 'high' | 'normal' | 'low';

/** What can be set of an entry. */
export interface EntryOptions {
  /** The name of the receiver, or the names of several. The worker looks up the receivers when it sends. */
  readonly to: string | readonly string[];
  /** The transaction: the same value in all SETs with the same cause. */
  readonly txn?: string | undefined;
  /** The time of the event, for receivers that read `toe`. */
  readonly toe?: Date | undefined;
  /** The id of the SET, for an entry with a single receiver. */
  readonly jti?: string | undefined;
  /** Additional events in the same SET, for receivers that accept them. */
  readonly companions?: readonly SsfEvent[] | undefined;
  /** Makes a second enqueue with the same key return the first entry. */
  readonly idempotencyKey?: string | undefined;
  /** Nothing is sent before this time. */
  readonly notBefore?: Date | undefined;
  /** How many milliseconds a delivery may wait before it expires: 24 hours by default, 14 days at most. */
  readonly maxAge?: number | undefined;
  /** Which deliveries to a receiver go first; `normal` by default. */
  readonly priority?: Priority | undefined;
  /** Discards deliveries to the same receiver with the same key that are not sent yet. */
  readonly supersedes?: string | undefined;
  /** Sends it after the earlier ordered entries about the same subject, receiver by receiver. */
  readonly ordered?: boolean | undefined;
}

/**
 * An event for receivers that are named: one of those that {@link Outbox.enqueueMany} accepts.
 *
 * @example
 * ```ts
 * const entry: Entry = {
 *   event: caep.sessionRevoked(),
 *   subject: { format: 'email', email: 'ada@example.com' },
 *   to: ['acme', 'globex'],
 *   txn: 'incident-4711',
 * };
 * ```
 */
export interface Entry extends EntryOptions {
  /** The event. */
  readonly event: SsfEvent;
  /** The subject of the event; absent if the event contains it. */
  readonly subject?: Subject | undefined;
}

/** What was accepted. */
export interface Enqueued {
  /** The ids of the SETs, in the order of the receivers. */
  readonly jtis: readonly string[];
  /** Whether an earlier entry with the same idempotency key is meant. */
  readonly repeated: boolean;
  /** What lint reports, if the outbox has an issuer and receivers. */
  readonly findings: readonly Finding[];
}

export const ENTRY_OPTIONS = {
  to: stringOrStrings,
  txn: string,
  toe: date,
  jti: string,
  companions: list,
  idempotencyKey: string,
  notBefore: date,
  maxAge: span,
  priority: oneOf('high', 'normal', 'low'),
  supersedes: string,
  ordered: boolean,
};
const ENTRY = { event: anything, subject: anything, ...ENTRY_OPTIONS };

/** After so many milliseconds the event loop turns. */
const TURN = 4;
/** After so many entries another thread gets them, and the time is looked at. */
const SLICE = 32;

/** An entry as the native module reads it: a line each for event, subject and options. */
export function linesOf(event: SsfEvent, subject: Subject | undefined, options: EntryOptions, at: Place): string {
  const [about = '', privateFormats] = subjectJson(subject, at);
  const { to, txn, toe, jti, companions, idempotencyKey, notBefore, maxAge, priority, supersedes, ordered } = options;
  const rest = JSON.stringify({
    to: typeof to === 'string' ? [to] : to,
    privateFormats,
    txn,
    toe: toe?.getTime(),
    jti,
    companions: companions?.map((companion) => eventJson(companion, at)),
    idempotencyKey,
    notBefore: notBefore?.getTime(),
    maxAge,
    priority,
    supersedes,
    ordered,
  });
  return `${eventJson(event, at)}\n${about}\n${rest}\n`;
}

/** Many entries: other threads read and check what is written. The event loop turns meanwhile. */
export async function writtenEntries(
  entries: Iterable<Entry>,
  outbox: NativeOutbox,
  signal: AbortSignal | undefined,
  at: Place,
): Promise<NativeEntries> {
  const all = new native.Entries();
  let lines = '';
  let index = 0;
  let turned = performance.now();
  for (const entry of entries) {
    try {
      checked(entry, ENTRY, ['event', 'to'], at);
      lines += linesOf(entry.event, entry.subject, entry, at);
    } catch (error) {
      throw error instanceof SsfError ? ofItem(error, index, at) : error;
    }
    index += 1;
    if (index % SLICE > 0) continue;
    unwrap(all.add(outbox, lines, SLICE), at);
    lines = '';
    if (performance.now() - turned < TURN) continue;
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (signal?.aborted) throw signal.reason;
    turned = performance.now();
  }
  unwrap(all.add(outbox, lines, index % SLICE), at);
  return all;
}

/**
 * The text of an entry, for a table of your own: write it in the transaction of your database, and hand it to
 * {@link Outbox.enqueueJson} afterwards. So an event is reported if, and only if, your transaction is committed.
 *
 * An entry without an idempotency key gets a random one, so a text that is enqueued twice is delivered once. The text contains
 * the subject in clear.
 *
 * @throws {ValidationError} If event or subject violate a rule; `pointer` is the place.
 * @throws {OutboxError} If the options contradict each other.
 *
 * @example
 * ```ts
 * const text = entryJson(caep.sessionRevoked(), { format: 'email', email: 'ada@example.com' }, { to: 'acme' });
 * ```
 */
export function entryJson(event: SsfEvent, subject: Subject | undefined, options: EntryOptions): string {
  const at = new Place(entryJson);
  return unwrap(native.entryJson(linesOf(event, subject, checked(options, ENTRY_OPTIONS, ['to'], at), at)), at);
}

/** What was accepted, as it arrives. */
export function enqueuedOf({ entries, findings }: NativeAccepted): Enqueued[] {
  const all: [jtis: string[], repeated: boolean][] = JSON.parse(entries);
  return all.map(([jtis, repeated], index) => ({ jtis, repeated, findings: findingsOf(findings?.[index] ?? []) }));
}
