/** The stream API: its settings, its mounts, and publishing. */

import type { IncomingMessage } from 'node:http';

import { call } from '../calls.js';
import { Place, unwrap } from '../errors.js';
import type { SsfEvent } from '../events/union.js';
import { KeySet, SigningKey } from '../keys.js';
import { type NativePublished, type NativeStreamApi, type NativeStreamHealth, native } from '../native.js';
import {
  boolean,
  checked,
  checkedArgument,
  count,
  either,
  func,
  instance,
  kind,
  object,
  oneOf,
  signal,
  span,
  string,
  strings,
} from '../options.js';
import { ENTRY_OPTIONS, type EntryOptions, linesOf } from '../outbox/entry.js';
import { Outbox } from '../outbox/outbox.js';
import { type Failure, failureOf } from '../outbox/records.js';
import type { Subject } from '../subjects.js';
import { type AuthenticatorOptions, accessOf } from './access.js';
import type { Authenticated } from './caller.js';
import { type FetchHandler, fetchHandler } from './fetch.js';
import { type NodeHandler, nodeHandler } from './node.js';

/** The settings of a stream API. Spans are in milliseconds. */
export interface StreamApiOptions {
  /** The exact `iss` of the SETs, an https URL. */
  readonly issuer: string;
  /** What signs. A `Signer` cannot sign what receivers poll. */
  readonly key: SigningKey | KeySet;
  /** Where streams are kept, beside the deliveries. */
  readonly outbox: Outbox;
  /** The events that receivers can request, by their `type` or their URIs. */
  readonly events: readonly string[];
  /** The URL of the API; the path `/ssf` below the issuer by default. */
  readonly baseUrl?: string | undefined;
  /** Whose events a new stream delivers; `ALL` by default. */
  readonly defaultSubjects?: 'ALL' | 'NONE' | undefined;
  /** The members of complex subjects that receivers must understand. */
  readonly criticalSubjectMembers?: readonly string[] | undefined;
  /** How many streams a receiver may have; 10 by default. */
  readonly maxStreams?: number | undefined;
  /** How long a receiver waits between two requests for a verification: a minute by default; 0 is no limit. */
  readonly minVerificationInterval?: number | undefined;
  /** How long a poll waits for events; 25 seconds by default, and 0 answers at once. */
  readonly longPoll?: number | undefined;
  /** How long a receiver that polls has to acknowledge SETs before it gets them again; a minute by default. */
  readonly lease?: number | undefined;
  /** How many SETs a poll returns at most; 100 by default. */
  readonly maxSets?: number | undefined;
  /** How many events may wait in one stream; 10,000 by default. One more takes the place of the oldest. */
  readonly maxWaiting?: number | undefined;
  /** How long an event waits in a stream at most; 24 hours by default, 14 days at most. */
  readonly maxHeldAge?: number | undefined;
  /** After what time the streams of receivers that do nothing are paused; never by default. */
  readonly inactivityTimeout?: number | undefined;
  /** How often each enabled stream gets a verification of the transmitter itself; never by default. */
  readonly canary?: number | undefined;
  /** Whether receivers may have their events pushed. The egress guard judges their endpoints. */
  readonly push?: boolean | undefined;
  /** Networks that the egress guard lets push endpoints be in, such as `10.1.0.0/16`. */
  readonly allowNetworks?: readonly string[] | undefined;
  /** What finds out who calls, unless a mount has a function for it. */
  readonly authenticator?: AuthenticatorOptions | undefined;
  /** How many requests per second one receiver may send; 50 by default, and 0 is no limit. */
  readonly rateLimit?: number | undefined;
  /**
   * The URL of the protected resource metadata (RFC 9728), which challenges name. With an `authenticator`, the API serves the
   * document itself.
   */
  readonly resourceMetadata?: string | undefined;
  /** Allow http URLs of loopback hosts, for trials. */
  readonly allowLoopback?: boolean | undefined;
}

/** What can be set of an event for streams. */
export interface PublishOptions
  extends Pick<EntryOptions, 'txn' | 'toe' | 'idempotencyKey' | 'notBefore' | 'maxAge' | 'priority' | 'supersedes'> {
  /** Receivers beside the streams, by their names in the outbox. */
  readonly to?: string | readonly string[] | undefined;
  /** Abandons the call, which fails with the reason of the signal; the event may be published nevertheless. */
  readonly signal?: AbortSignal | undefined;
}

/** What was published. */
export interface Published {
  /** The ids of the SETs: those to receivers that were named, in their order, and those to streams. */
  readonly jtis: readonly string[];
  /** How many streams get it. */
  readonly streams: number;
  /** Whether an earlier event with the same idempotency key is meant. */
  readonly repeated: boolean;
}

/** How the streams are: what to watch, and to alert on. */
export interface StreamHealth {
  /** How many are enabled. */
  readonly enabled: number;
  /** How many are paused. */
  readonly paused: number;
  /** How many are disabled. */
  readonly disabled: number;
  /** How many could not be looked after. */
  readonly failed: number;
  /** Why, for the last one: its configuration is damaged, or sealed with a key that is not set. */
  readonly failure?: Failure;
  /** The longest time since the receiver of an enabled stream acknowledged a canary, in milliseconds. */
  readonly canaryAge?: number;
  /** The stream of which that is true. */
  readonly canaryStream?: string;
}

const KEY = either(instance(SigningKey, 'a SigningKey'), instance(KeySet, 'a KeySet'));
const OPTIONS = {
  issuer: string,
  key: KEY,
  outbox: instance(Outbox, 'an Outbox'),
  events: strings,
  baseUrl: string,
  defaultSubjects: oneOf('ALL', 'NONE'),
  criticalSubjectMembers: strings,
  maxStreams: count,
  minVerificationInterval: span,
  longPoll: span,
  lease: span,
  maxSets: count,
  maxWaiting: count,
  maxHeldAge: span,
  inactivityTimeout: span,
  canary: span,
  push: boolean,
  allowNetworks: strings,
  authenticator: object,
  rateLimit: kind('a whole number, zero or more', (value) => value === 0 || count.is(value)),
  resourceMetadata: string,
  allowLoopback: boolean,
};
const MOUNT = { limitByAddress: boolean };
const { to, txn, toe, idempotencyKey, notBefore, maxAge, priority, supersedes } = ENTRY_OPTIONS;
const PUBLISH = { to, txn, toe, idempotencyKey, notBefore, maxAge, priority, supersedes, signal };

/**
 * Answers the requests of receivers, and publishes events to their streams. Streams are kept in the outbox, beside the deliveries; a
 * {@link Worker} with this API sends the events of push streams.
 *
 * Mount it at the root of your server, because the well-known path of the configuration is there.
 *
 * @example
 * ```ts
 * const api = new StreamApi({ issuer: 'https://tr.example.com', key, outbox, events: ['caep.session-revoked'] });
 * app.use(api.nodeHandler((request) => receiverOf(request.headers.authorization)));
 * await api.publish(caep.sessionRevoked(), { format: 'email', email: 'ada@example.com' });
 * ```
 */
export class StreamApi {
  readonly #native: NativeStreamApi;

  /**
   * Checks the settings.
   *
   * @throws {ConfigError} If one is wrong.
   */
  constructor(options: StreamApiOptions) {
    const required = ['issuer', 'key', 'outbox', 'events'] as const;
    const at = new Place(StreamApi);
    const { key, outbox, events, ...rest } = checked(options, OPTIONS, required, at);
    const { criticalSubjectMembers = [], allowNetworks = [], push = false, allowLoopback = false } = rest;
    const settings = {
      issuer: rest.issuer,
      baseUrl: rest.baseUrl,
      events: [...events],
      defaultSubjects: rest.defaultSubjects,
      criticalSubjectMembers: [...criticalSubjectMembers],
      maxStreams: rest.maxStreams,
      minVerificationInterval: rest.minVerificationInterval,
      longPoll: rest.longPoll,
      lease: rest.lease,
      maxSets: rest.maxSets,
      maxWaiting: rest.maxWaiting,
      maxHeldAge: rest.maxHeldAge,
      inactivityTimeout: rest.inactivityTimeout,
      canary: rest.canary,
      push,
      allowNetworks: [...allowNetworks],
      resourceMetadata: rest.resourceMetadata,
      allowLoopback,
      access: rest.authenticator && accessOf(rest.authenticator, at),
      rateLimit: rest.rateLimit,
    };
    const keys = KeySet.handle(key instanceof KeySet ? key : new KeySet(key));
    this.#native = unwrap(native.StreamApi.build(settings, keys, Outbox.handle(outbox)), at);
  }

  /** Whether the API has something at this path, for a server that has more. */
  serves(path: string): boolean {
    return this.#native.serves(checkedArgument('path', path, string, this.serves));
  }

  /** The transmitter configuration, as it is served (SSF 1.0 §7.1). */
  configuration(): Readonly<Record<string, unknown>> {
    return JSON.parse(unwrap(this.#native.configuration(), this.configuration));
  }

  /**
   * The API as `fetch(request): Promise<Response>`, for Hono, Next, Bun and Deno. `authenticate` finds out who calls, and returns
   * nothing if the request has no valid credentials; it must not read the body. Without it, the `authenticator` finds out. The signal of
   * the request ends a poll that waits.
   *
   * @example
   * ```ts
   * const app = new Hono();
   * const handle = api.fetchHandler(authenticate);
   * app.all('/ssf/*', (context) => handle(context.req.raw));
   * app.get('/.well-known/ssf-configuration', (context) => handle(context.req.raw));
   * ```
   */
  fetchHandler(authenticate?: (request: Request) => Authenticated): FetchHandler {
    const at = new Place(this.fetchHandler);
    if (authenticate !== undefined) checkedArgument('authenticate', authenticate, func, at);
    return fetchHandler(this.#native, authenticate, at);
  }

  /**
   * The API as a handler of `node:http`, and a middleware of Express: with `next`, requests for other paths go there. Mount it before
   * what parses bodies. `authenticate` finds out who calls, and returns nothing if the request has no valid credentials; without it, the
   * `authenticator` finds out. A client that disconnects ends its poll.
   *
   * With `limitByAddress`, the `authenticator` limits how many invalid tokens come from one address. Behind a proxy, all callers have one.
   *
   * @example
   * ```ts
   * express().use(api.nodeHandler(authenticate)); // or, without a framework:
   * createServer(api.nodeHandler(authenticate));
   * fastify.addHook('onRequest', (request, reply, done) => {
   *   if (!api.serves(request.url.split('?')[0])) return done();
   *   reply.hijack();
   *   handle(request.raw, reply.raw);
   * });
   * ```
   */
  nodeHandler(
    authenticate?: (request: IncomingMessage) => Authenticated,
    options: { readonly limitByAddress?: boolean | undefined } = {},
  ): NodeHandler {
    const at = new Place(this.nodeHandler);
    if (authenticate !== undefined) checkedArgument('authenticate', authenticate, func, at);
    const { limitByAddress = false } = checked(options, MOUNT, [], at);
    return nodeHandler(this.#native, authenticate, limitByAddress, at);
  }

  /**
   * Gives an event to every stream that wants it and has this subject. An event that no stream wants is no error. A stream gets its
   * events about one subject in the order in which they were published.
   *
   * @throws {ValidationError} If event or subject violate a rule; `pointer` is the place.
   * @throws {OutboxError} If it was not accepted. Nothing was stored then.
   *
   * @example
   * ```ts
   * const { streams } = await api.publish(caep.sessionRevoked(), subject, { txn: 'incident-4711' });
   * ```
   */
  async publish(event: SsfEvent, subject: Subject | undefined, options: PublishOptions = {}): Promise<Published> {
    const at = new Place(this.publish);
    const { signal: aborted, to = [], ...rest } = checked(options, PUBLISH, [], at);
    const lines = linesOf(event, subject, { ...rest, to }, at);
    return call<NativePublished>((mailbox, number) => this.#native.publish(mailbox, number, lines), at, aborted);
  }

  /**
   * Looks after all streams: pauses those of inactive receivers, tells receivers before, and sends canaries. Call it from a timer, about
   * once a minute. Several servers with one outbox may call it.
   *
   * @example
   * ```ts
   * setInterval(async () => console.log((await api.maintain()).canaryAge), 60_000).unref();
   * ```
   */
  async maintain(): Promise<StreamHealth> {
    const at = new Place(this.maintain);
    const { failure, ...health } = await call<NativeStreamHealth>(
      (mailbox, number) => this.#native.maintain(mailbox, number),
      at,
    );
    return failure === undefined ? health : { ...health, failure: failureOf(failure) };
  }

  /** @internal */
  static handle(api: StreamApi): NativeStreamApi {
    return api.#native;
  }
}
