/** The outbox. */

import { types } from 'node:util';

import { call } from '../calls.js';
import type { SsfErrorCode } from '../codes.js';
import { Config } from '../config.js';
import { subjectJson } from '../custom-subject.js';
import { type Caller, coreCode, type Finding, findingsOf, Place, unwrap } from '../errors.js';
import type { SsfEvent } from '../events/union.js';
import {
  type NativeAccepted,
  type NativeDatabaseOptions,
  type NativeDelivery,
  type NativeFilter,
  type NativeHistory,
  type NativeMailbox,
  type NativeOutbox,
  type NativeOutboxHealth,
  type NativeOutboxOptions,
  type NativeOutboxReceiver,
  type NativeRefused,
  native,
  type Outcome,
} from '../native.js';
import { TRUST, type TrustOptions, trustOf } from '../network.js';
import {
  boolean,
  checked,
  checkedArgument,
  count,
  date,
  either,
  func,
  instance,
  iterableOf,
  object,
  oneOf,
  signal,
  span,
  string,
  stringOrStrings,
  strings,
  whole,
} from '../options.js';
import { handleOf, type Receiver } from '../receiver.js';
import type { Subject } from '../subjects.js';
import {
  ENTRY_OPTIONS,
  type Enqueued,
  type Entry,
  type EntryOptions,
  enqueuedOf,
  linesOf,
  writtenEntries,
} from './entry.js';
import { type Password, passwordOf } from './password.js';
import {
  type Delivery,
  type DeliveryState,
  deliveryOf,
  type History,
  healthOf,
  historyOf,
  type OutboxCounts,
  type OutboxHealth,
  type OutboxReceiver,
  outboxReceiverOf,
  type Refused,
  refusedOf,
  type Salvaged,
} from './records.js';
import { Seal } from './seal.js';

/** The settings of an outbox. */
export interface OutboxOptions {
  /** Encrypts what entries say. The workers need the same seal. */
  readonly seal?: Seal | undefined;
  /**
   * The issuer of the SETs. With it and `receivers`, entries are linted before they are accepted: what a receiver would reject is a
   * {@link ValidationError} then, and not a dead delivery.
   */
  readonly issuer?: string | undefined;
  /** The receivers by name, as far as they are known: an object or a `Map`. Entries for others are linted when they are sent. */
  readonly receivers?: Readonly<Record<string, Receiver>> | ReadonlyMap<string, Receiver> | undefined;
}

/** The settings of an outbox in a file or in a database. */
export interface KeptOutboxOptions extends OutboxOptions, TrustOptions {
  /** The schema of the tables in the database; `ssf_outbox` by default. */
  readonly schema?: string | undefined;
  /** How many connections to the database there are at most; 8 by default. */
  readonly connections?: number | undefined;
  /**
   * The password of the database, in place of one in the URL. Or a function that returns it, for tokens that expire: it is called for
   * each new connection.
   */
  readonly password?: Password | undefined;
  /** Whether the first call creates the tables, or brings those of an older version to this one. */
  readonly migrate?: boolean | undefined;
}

/**
 * The settings of an outbox that a file of settings describes: those that the file does not have. Entries for `receivers`
 * are linted for the issuer of the file. What is for a database has no effect on an outbox in a file.
 */
export type ConfiguredOutboxOptions = Omit<KeptOutboxOptions, 'issuer' | 'schema'>;

/** The settings of an outbox in memory. */
export interface MemoryOutboxOptions extends OutboxOptions {
  /** How many deliveries there is room for; 100,000 by default. */
  readonly capacity?: number | undefined;
  /** Whether an entry waits for room. By default, it is the error `SSF_OUTBOX_FULL`. */
  readonly waitWhenFull?: boolean | undefined;
}

/** A statement that accepts an event in a transaction of yours. */
export interface Statement {
  /** The SQL, with `$1` for the parameter. */
  readonly sql: string;
  /** The parameters, all of them strings. */
  readonly parameters: string[];
  /** The ids of the SETs, in the order of the receivers. */
  readonly jtis: readonly string[];
  /** What lint reports, if the outbox has an issuer and receivers. */
  readonly findings: readonly Finding[];
}

/** The settings of an enqueue. */
export interface EnqueueOptions extends EntryOptions {
  /** Abandons the call, which fails with the reason of the signal; the entry may be accepted nevertheless. */
  readonly signal?: AbortSignal | undefined;
}

/** Which deliveries: those for which every condition holds. */
export interface DeliveryFilter {
  /** To this receiver. */
  readonly receiver?: string | undefined;
  /** With this event, by its `type` or its URI. */
  readonly event?: string | undefined;
  /** Whose last failure has this code. */
  readonly code?: SsfErrorCode | undefined;
  /** With this id, or with one of these. */
  readonly jti?: string | readonly string[] | undefined;
  /** About this subject. */
  readonly subject?: Subject | undefined;
  /** Enqueued at this time or later. */
  readonly since?: Date | undefined;
  /** Enqueued before this time. */
  readonly until?: Date | undefined;
}

/** Which deliveries, also by their states. */
export interface StateFilter extends DeliveryFilter {
  /** In this state, or in one of these. */
  readonly state?: DeliveryState | readonly DeliveryState[] | undefined;
}

/** A page of deliveries. */
export interface ListOptions extends StateFilter {
  /** The last delivery of the page before. */
  readonly after?: Pick<Delivery, 'jti' | 'enqueuedAt'> | undefined;
  /** How many at most; 100 by default. */
  readonly limit?: number | undefined;
}

/** A page of receivers. */
export interface ReceiversOptions {
  /** The last name of the page before. */
  readonly after?: string | undefined;
  /** How many at most; 100 by default. */
  readonly limit?: number | undefined;
}

/** A page of entries that were refused. */
export interface RefusedOptions {
  /** The `id` of the last one of the page before. */
  readonly after?: number | undefined;
  /** How many at most; 100 by default. */
  readonly limit?: number | undefined;
}

/** The settings of a replay. */
export interface ReplayOptions extends StateFilter {
  /** Counts them, and changes nothing. */
  readonly dryRun?: boolean | undefined;
  /** Gives each a new `jti`, for receivers that would ignore one that they know. */
  readonly freshJti?: boolean | undefined;
}

/** The settings of a discard. */
export interface DiscardOptions extends DeliveryFilter {
  /** Counts them, and changes nothing. */
  readonly dryRun?: boolean | undefined;
}

/** How many milliseconds deliveries are kept that have ended. */
export interface PruneOptions {
  /** Those that were delivered; a day by default. */
  readonly delivered?: number | undefined;
  /** Those that are dead; 30 days by default. */
  readonly dead?: number | undefined;
  /** Those that were discarded; 7 days by default. */
  readonly discarded?: number | undefined;
}

const OPTIONS = { seal: instance(Seal, 'a Seal'), issuer: string, receivers: object };
const DATABASE = { ...TRUST, connections: count, password: either(string, func), migrate: boolean };
const KEPT = { ...OPTIONS, ...DATABASE, schema: string };
const CONFIGURED = { seal: OPTIONS.seal, receivers: OPTIONS.receivers, ...DATABASE };
const MEMORY = { ...OPTIONS, capacity: count, waitWhenFull: boolean };
const ENQUEUE = { ...ENTRY_OPTIONS, signal };
const FILTER = {
  receiver: string,
  event: string,
  code: string,
  jti: stringOrStrings,
  subject: object,
  since: date,
  until: date,
};
const STATES = ['waiting', 'in_flight', 'delivered', 'dead', 'discarded'];
const STATE_FILTER = { ...FILTER, state: stringOrStrings };
const LIST = { ...STATE_FILTER, after: object, limit: count };
const AFTER = { jti: string, enqueuedAt: date };
const RECEIVERS = { after: string, limit: count };
const REFUSED = { after: whole, limit: count };
const REPLAY = { ...STATE_FILTER, dryRun: boolean, freshJti: boolean };
const DISCARD = { ...FILTER, dryRun: boolean };
const PRUNE = { delivered: span, dead: span, discarded: span };

/**
 * Accepts events, and answers questions about them. A {@link Worker} sends them: in this process, or in another one with the
 * same file. The file belongs to this package alone; no other program may open it. `docs/outbox.md` has the promises.
 *
 * The file is opened where the outbox is first used, on a thread of the library; all work on it is done there. So the event
 * loop is never blocked, and making an outbox costs nothing. Worker threads and other processes make one each, for the same file.
 *
 * Where several machines share the outbox, it is in a PostgreSQL database: `new Outbox('postgresql://outbox@db.example.com/app')`.
 * TLS is on, and the certificate of the server is verified, unless the server is on this machine or the URL has `sslmode=disable`.
 *
 * @example
 * ```ts
 * const outbox = new Outbox('/var/lib/edr/outbox.db');
 * await outbox.enqueue(caep.sessionRevoked(), { format: 'email', email: 'ada@example.com' }, { to: 'acme' });
 * await new Worker(outbox, transmitter, { receivers: { acme } }).run();
 * ```
 *
 * Every method rejects with an {@link OutboxError} if the file or the database cannot be used.
 */
export class Outbox implements AsyncDisposable {
  readonly #native: NativeOutbox;

  /**
   * An outbox in a file, which is created if it does not exist, or in the PostgreSQL database with this URL. The folder of the file
   * must exist, on a local disk.
   *
   * @throws {ConfigError} If a setting is wrong; `pointer` names it.
   */
  constructor(place: string, options?: KeptOutboxOptions);
  /** @internal */
  constructor(place: NativeOutbox, options: undefined);
  constructor(place: string | NativeOutbox, options: KeptOutboxOptions = {}) {
    if (place instanceof native.Outbox) {
      this.#native = place as NativeOutbox;
      return;
    }
    checkedArgument('place', place, string, Outbox);
    const database = databaseOf(checked(options, KEPT, [], Outbox), Outbox);
    this.#native = built(options, Outbox, place as string, database);
  }

  /**
   * Makes the outbox that a file of settings describes. The URL of a database is read at once, and the outbox is opened
   * where it is first used.
   *
   * @example
   * ```ts
   * const outbox = await Outbox.fromConfig(await Config.read('ssf.toml'));
   * ```
   *
   * @throws {ConfigError} If the file has no `[outbox]`, or no issuer to lint for, or if the URL of its database cannot be
   * read or is invalid.
   */
  static async fromConfig(config: Config, options: ConfiguredOutboxOptions = {}): Promise<Outbox> {
    const at = new Place(Outbox.fromConfig);
    checkedArgument('config', config, instance(Config, 'a Config'), at);
    const database = databaseOf(checked(options, CONFIGURED, [], at), at);
    const [file, given] = [Config.handle(config), settingsOf(options, at, undefined, database)];
    const made = await call<NativeOutbox>((...to) => native.Outbox.fromConfig(...to, file, given), at);
    return new Outbox(made, undefined);
  }

  /**
   * An outbox in the memory of this process: it survives an outage of a receiver, but not the process.
   *
   * @example
   * ```ts
   * const outbox = Outbox.inMemory({ capacity: 10_000, waitWhenFull: true });
   * ```
   */
  static inMemory(options: MemoryOutboxOptions = {}): Outbox {
    return new Outbox(built(checked(options, MEMORY, [], Outbox.inMemory), Outbox.inMemory), undefined);
  }

  /**
   * Puts a damaged file aside, and copies what can be read of it into a new one: for an outbox whose calls fail with
   * `SSF_OUTBOX_CORRUPT`. Tell a person what it returns. It fails with `SSF_OUTBOX_UNAVAILABLE` while somebody has the file open.
   *
   * @example
   * ```ts
   * const { kept, lost, movedTo } = await Outbox.salvage('/var/lib/edr/outbox.db');
   * ```
   */
  static async salvage(path: string): Promise<Salvaged> {
    const at = new Place(Outbox.salvage);
    checkedArgument('path', path, string, at);
    return call((mailbox, number) => native.Outbox.salvage(mailbox, number, path), at);
  }

  /**
   * Accepts an event. Once the promise is resolved, the event is on the disk. The subject may be `undefined` if the event
   * contains it. Where the order of two calls matters, await the first one.
   *
   * @throws {ValidationError} If event or subject violate a rule; `pointer` is the place.
   * @throws {OutboxError} If it was not accepted. Nothing was stored then.
   *
   * @example
   * ```ts
   * const { jtis } = await outbox.enqueue(caep.sessionRevoked(), subject, { to: ['acme', 'globex'], txn: 'incident-4711' });
   * ```
   */
  async enqueue(event: SsfEvent, subject: Subject | undefined, options: EnqueueOptions): Promise<Enqueued> {
    const at = new Place(this.enqueue);
    const lines = linesOf(event, subject, checked(options, ENQUEUE, ['to'], at), at);
    const accepted = await call<NativeAccepted>(
      (mailbox, number) => this.#native.enqueue(mailbox, number, lines),
      at,
      options.signal,
    );
    return enqueuedOf(accepted)[0] as Enqueued;
  }

  /**
   * Returns the statement that accepts an event in a transaction of yours: execute it on your own connection to the PostgreSQL database
   * of the outbox. The event is accepted if, and only if, your transaction commits. It needs no connection of the outbox. Workers find
   * the event when they look, once a second by default, or at once after `wake`.
   *
   * @throws {ValidationError} If event or subject violate a rule; `pointer` is the place.
   * @throws {OutboxError} If the entry is invalid.
   * @throws {ConfigError} If the outbox is not in a PostgreSQL database.
   *
   * @example
   * ```ts
   * const { sql, parameters } = outbox.statement(caep.sessionRevoked(), subject, { to: 'acme' });
   * await client.query(sql, parameters); // pg; with postgres.js: await transaction.unsafe(sql, parameters)
   * ```
   */
  statement(event: SsfEvent, subject: Subject | undefined, options: EntryOptions): Statement {
    const at = new Place(this.statement);
    const lines = linesOf(event, subject, checked(options, ENTRY_OPTIONS, ['to'], at), at);
    const { sql, parameters, jtis, findings } = unwrap(this.#native.statement(lines), at);
    return { sql, parameters, jtis, findings: findingsOf(findings) };
  }

  /**
   * Accepts entries: all of them or none, in one commit. An error of an entry has its index as the first step of its `pointer`.
   * Leave the entries as they are until the promise is settled: the event loop turns while they are read.
   *
   * @example
   * ```ts
   * await outbox.enqueueMany(users.map((subject) => ({ event: caep.sessionRevoked(), subject, to: 'acme' })));
   * ```
   */
  async enqueueMany(
    entries: Iterable<Entry>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Enqueued[]> {
    const at = new Place(this.enqueueMany);
    checkedArgument('entries', entries, iterableOf('entries'), at);
    const { signal: aborted } = checked(options, { signal }, [], at);
    const all = await writtenEntries(entries, this.#native, aborted, at);
    return enqueuedOf(await call((mailbox, number) => this.#native.enqueueMany(mailbox, number, all), at, aborted));
  }

  /**
   * Accepts entries that {@link entryJson} wrote: all of them or none. So an entry that a program keeps in a table of its own, in its
   * own transaction, comes into the outbox: read rows, enqueue them, then delete them. A repeat has no effect. An error of an entry
   * has its index as the first step of its `pointer`.
   *
   * @example
   * ```ts
   * const rows = database.prepare('SELECT id, entry FROM staged_events ORDER BY id LIMIT 500').all();
   * await outbox.enqueueJson(rows.map(({ entry }) => entry));
   * ```
   */
  async enqueueJson(
    texts: Iterable<string>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Enqueued[]> {
    const at = new Place(this.enqueueJson);
    const all = [...checkedArgument('texts', texts, iterableOf('strings'), at)];
    checkedArgument('texts', all, strings, at);
    const { signal: aborted } = checked(options, { signal }, [], at);
    return enqueuedOf(await call((mailbox, number) => this.#native.enqueueJson(mailbox, number, all), at, aborted));
  }

  /** What to watch: the age of the oldest delivery that waits, the rate, receivers that are paused, the size of the file. */
  async health(): Promise<OutboxHealth> {
    return healthOf(
      await this.#call<NativeOutboxHealth>((native, ...to) => native.health(...to), new Place(this.health)),
    );
  }

  /** The ledger in numbers: every delivery that was accepted is in exactly one of them. */
  async counts(): Promise<OutboxCounts> {
    return this.#call((native, ...to) => native.counts(...to), new Place(this.counts));
  }

  /** Receivers by name, with their states and counts. */
  async receivers(options: ReceiversOptions = {}): Promise<OutboxReceiver[]> {
    const at = new Place(this.receivers);
    const { after, limit = 100 } = checked(options, RECEIVERS, [], at);
    const all = await this.#call<NativeOutboxReceiver[]>((native, ...to) => native.receivers(...to, after, limit), at);
    return all.map(outboxReceiverOf);
  }

  /**
   * Deliveries in the order in which they were enqueued.
   *
   * @example
   * ```ts
   * for (const { jti, failure } of await outbox.list({ state: 'dead', receiver: 'acme' })) console.log(jti, failure?.remedy);
   * ```
   */
  async list(options: ListOptions = {}): Promise<Delivery[]> {
    const at = new Place(this.list);
    const { after, limit = 100, ...filter } = checked(options, LIST, [], at);
    const selected = filterOf(filter, at);
    const { jti, enqueuedAt } = after ?? {};
    if (after !== undefined) checked({ jti, enqueuedAt }, AFTER, ['jti', 'enqueuedAt'], at);
    const all = await this.#call<NativeDelivery[]>(
      (native, ...to) => native.list(...to, selected, jti, enqueuedAt?.getTime(), limit),
      at,
    );
    return all.map(deliveryOf);
  }

  /** A delivery and its attempts; `undefined` if the outbox does not have it, or no longer. */
  async history(jti: string): Promise<History | undefined> {
    const at = new Place(this.history);
    checkedArgument('jti', jti, string, at);
    const history = await this.#call<NativeHistory | null>((native, ...to) => native.history(...to, jti), at);
    return history === null ? undefined : historyOf(history);
  }

  /**
   * Entries of a {@link Outbox.statement} that could not be taken over, by `id`. The health counts them. They are kept for as long as dead
   * deliveries. Only a PostgreSQL database has them.
   *
   * @example
   * ```ts
   * for (const { code, jtis } of await outbox.refused()) console.error('not sent', code, jtis);
   * ```
   */
  async refused(options: RefusedOptions = {}): Promise<Refused[]> {
    const at = new Place(this.refused);
    const { after, limit = 100 } = checked(options, REFUSED, [], at);
    const all = await this.#call<NativeRefused[]>((native, ...to) => native.refused(...to, after, limit), at);
    return all.map(refusedOf);
  }

  /**
   * Lets deliveries wait again that have ended, and returns how many. Without `state`, it is the dead ones.
   *
   * @example
   * ```ts
   * const many = await outbox.replay({ code: 'SSF_RECEIVER_REJECTED', dryRun: true });
   * ```
   */
  async replay(options: ReplayOptions = {}): Promise<number> {
    const at = new Place(this.replay);
    const { dryRun = false, freshJti = false, ...filter } = checked(options, REPLAY, [], at);
    const selected = filterOf(filter, at);
    return this.#call((native, ...to) => native.replay(...to, selected, dryRun, freshJti), at);
  }

  /** Discards deliveries that wait, and returns how many. Without a condition, it is all of them. */
  async discard(options: DiscardOptions = {}): Promise<number> {
    const at = new Place(this.discard);
    const { dryRun = false, ...filter } = checked(options, DISCARD, [], at);
    const selected = filterOf(filter, at);
    return this.#call((native, ...to) => native.discard(...to, selected, dryRun), at);
  }

  /** Holds the deliveries to a receiver until {@link Outbox.release}. */
  async hold(receiver: string): Promise<void> {
    const at = new Place(this.hold);
    checkedArgument('receiver', receiver, string, at);
    await this.#call((native, ...to) => native.hold(...to, receiver), at);
  }

  /** Tells workers that a transaction with a {@link Outbox.statement} was committed: otherwise, they find it when they look. */
  async wake(): Promise<void> {
    await this.#call((native, ...to) => native.wake(...to), new Place(this.wake));
  }

  /** Lets the deliveries to a held or paused receiver go. */
  async release(receiver: string): Promise<void> {
    const at = new Place(this.release);
    checkedArgument('receiver', receiver, string, at);
    await this.#call((native, ...to) => native.release(...to, receiver), at);
  }

  /** Removes deliveries that ended long enough ago, and returns how many. Workers do this, too. */
  async prune(options: PruneOptions = {}): Promise<number> {
    const at = new Place(this.prune);
    const { delivered, dead, discarded } = checked(options, PRUNE, [], at);
    return this.#call((native, ...to) => native.prune(...to, { delivered, dead, discarded }), at);
  }

  /**
   * Reads the whole file, and returns what is damaged: nothing if it is whole. Takes as long as reading takes.
   *
   * @throws {ConfigError} If the outbox is in a database.
   */
  async check(): Promise<string[]> {
    return this.#call((native, ...to) => native.check(...to), new Place(this.check));
  }

  /**
   * Copies the outbox into a new file, as it is at one moment, while workers go on. Takes as long as reading and writing take.
   *
   * A worker that runs on the copy sends again what was delivered since, with the same `jti`. It fails with
   * `SSF_OUTBOX_PLACE_INVALID` if the file exists or its folder does not.
   *
   * @throws {ConfigError} If the outbox is in memory or in a database.
   *
   * @example
   * ```ts
   * await outbox.backup('/var/backups/outbox.db');
   * ```
   */
  async backup(target: string): Promise<void> {
    const at = new Place(this.backup);
    checkedArgument('target', target, string, at);
    await this.#call((native, ...to) => native.backup(...to, target), at);
  }

  /**
   * Closes the file, after all calls before; later ones fail. Stop the workers first. Closing twice is harmless.
   *
   * Without it, the file is closed when nobody uses the outbox any more, or with the process. Nothing that was accepted is lost then.
   */
  async close(): Promise<void> {
    await this.#call((native, ...to) => native.close(...to), new Place(this.close));
  }

  /** {@link Outbox.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Shows the path, or the schema of a database. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Outbox { '${this.#native.shown()}' }`;
  }

  /** @internal */
  static handle(outbox: Outbox): NativeOutbox {
    return outbox.#native;
  }

  #call<T>(
    start: (native: NativeOutbox, mailbox: NativeMailbox, number: number) => Outcome<void>,
    at: Place,
  ): Promise<T> {
    return call((mailbox, number) => start(this.#native, mailbox, number), at);
  }
}

function built(
  options: MemoryOutboxOptions,
  at: Caller | Place,
  place?: string,
  database?: NativeDatabaseOptions,
): NativeOutbox {
  return unwrap(native.Outbox.build(settingsOf(options, at, place, database)), at);
}

function settingsOf(
  options: MemoryOutboxOptions,
  at: Caller | Place,
  place: string | undefined,
  database: NativeDatabaseOptions | undefined,
): NativeOutboxOptions {
  const { capacity, waitWhenFull: waits = false, seal, issuer, receivers } = options;
  const named = receivers && entriesOf(receivers);
  return {
    place,
    capacity,
    waits,
    database,
    seal: seal && Seal.handle(seal),
    issuer,
    names: named?.map(([name]) => name),
    receivers: named?.map(([, receiver]) => handleOf(receiver, at, 'receivers')) ?? [],
  };
}

function databaseOf(options: KeptOutboxOptions, at: Caller | Place): NativeDatabaseOptions {
  const { schema, connections, password, migrate: migrates = false } = options;
  return { schema, connections, password: passwordOf(password), migrates, ...trustOf(options, at) };
}

function entriesOf(receivers: NonNullable<OutboxOptions['receivers']>): (readonly [string, Receiver])[] {
  if (!types.isMap(receivers)) return Object.entries(receivers);
  return [...(receivers as ReadonlyMap<string, Receiver>)];
}

function filterOf(given: StateFilter, at: Place): NativeFilter {
  const { state, receiver, event, code, jti, since, until } = given;
  const states = several(state);
  for (const one of states) checkedArgument('state', one, oneOf(...STATES), at);
  const [subject, privateFormats] = subjectJson(given.subject, at);
  return {
    states,
    receiver,
    event,
    code: code && coreCode(code),
    jtis: several(jti),
    subject,
    privateFormats,
    since: since?.getTime(),
    until: until?.getTime(),
  };
}

function several<T extends string>(given: T | readonly T[] | undefined): T[] {
  if (given === undefined) return [];
  return typeof given === 'string' ? [given] : [...given];
}
