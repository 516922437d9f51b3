/** The stream API: its mounts, publishing, and what the transmitter does by itself. */

import type { IncomingMessage } from 'node:http';

import { call } from '../calls.js';
import { Place, unwrap } from '../errors.js';
import type { SsfEvent } from '../events/union.js';
import { KeySet } from '../keys.js';
import { type NativePublished, type NativeStreamApi, type NativeStreamHealth, native } from '../native.js';
import { boolean, checked, checkedArgument, func, signal, string } from '../options.js';
import { ENTRY_OPTIONS, type EntryOptions, linesOf } from '../outbox/entry.js';
import { type Failure, failureOf } from '../outbox/records.js';
import { warn } from '../report.js';
import type { Subject } from '../subjects.js';
import { type Audit, toldOf } from './audit.js';
import type { Authenticated } from './caller.js';
import type { Mounted } from './exchange.js';
import { type FetchHandler, fetchHandler } from './fetch.js';
import { type NodeHandler, nodeHandler } from './node.js';
import { STOP, type Stop, type StreamApiOptions, settingsOf } from './settings.js';

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

/** The settings of a mount, in a server with requests of this type. */
export interface MountOptions<R> {
  /**
   * Called when a request gets a 5xx, with the error and the request: the outbox fails, or a key. What a `Signer`
   * has thrown is the `cause`. The receiver reads nothing of it. By default, the error is a warning of the process.
   */
  readonly onError?: ((error: unknown, request: R) => unknown) | undefined;
}

/** The settings of {@link StreamApi.nodeHandler}. */
export interface NodeHandlerOptions extends MountOptions<IncomingMessage> {
  /**
   * Whether the `authenticator` limits how many invalid tokens come from one address. Behind a proxy, all callers have
   * one.
   */
  readonly limitByAddress?: boolean | undefined;
}

const MOUNT = { onError: func };
const NODE_MOUNT = { ...MOUNT, limitByAddress: boolean };
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
  readonly #keys: KeySet;
  readonly #onAudit: ((audit: Audit) => unknown) | undefined;

  /**
   * Checks the settings.
   *
   * @throws {ConfigError} If one is wrong.
   */
  constructor(options: StreamApiOptions) {
    const at = new Place(StreamApi);
    const { settings, keys, outbox, onAudit } = settingsOf(options, at);
    this.#native = unwrap(native.StreamApi.build(settings, KeySet.handle(keys), outbox), at);
    this.#keys = keys;
    this.#onAudit = onAudit;
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
   * `onError` is told why a request gets a 5xx.
   *
   * @example
   * ```ts
   * const app = new Hono();
   * const handle = api.fetchHandler(authenticate, { onError: (error, { url }) => log.error({ error, url }) });
   * app.all('/ssf/*', (context) => handle(context.req.raw));
   * app.get('/.well-known/ssf-configuration', (context) => handle(context.req.raw));
   * ```
   */
  fetchHandler(authenticate?: (request: Request) => Authenticated, options: MountOptions<Request> = {}): FetchHandler {
    const at = new Place(this.fetchHandler);
    return fetchHandler(this.#mounted(authenticate, checked(options, MOUNT, [], at), at));
  }

  /**
   * The API as a handler of `node:http`, and a middleware of Express: with `next`, requests for other paths go there. Mount it before
   * what parses bodies. `authenticate` finds out who calls, and returns nothing if the request has no valid credentials; without it, the
   * `authenticator` finds out. A client that disconnects ends its poll.
   *
   * `onError` is told why a request gets a 5xx.
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
    options: NodeHandlerOptions = {},
  ): NodeHandler {
    const at = new Place(this.nodeHandler);
    const { limitByAddress = false, ...rest } = checked(options, NODE_MOUNT, [], at);
    return nodeHandler(this.#mounted(authenticate, rest, at), limitByAddress);
  }

  #mounted<R>(
    authenticate: ((request: R) => Authenticated) | undefined,
    { onError = warn }: MountOptions<R>,
    at: Place,
  ): Mounted<R> {
    if (authenticate !== undefined) checkedArgument('authenticate', authenticate, func, at);
    return { api: this.#native, keys: this.#keys, authenticate, onError, onAudit: this.#onAudit, at };
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
   * Looks after all streams: stops those of inactive receivers, tells receivers before, and sends canaries. Call it from a timer, about
   * once a minute. Several servers with one outbox may call it.
   *
   * @example
   * ```ts
   * setInterval(async () => console.log((await api.maintain()).canaryAge), 60_000).unref();
   * ```
   */
  async maintain(): Promise<StreamHealth> {
    const at = new Place(this.maintain);
    const { failure, audits, ...health } = await call<NativeStreamHealth>(
      (mailbox, number) => this.#native.maintain(mailbox, number),
      at,
    );
    toldOf(audits, this.#onAudit);
    return failure === undefined ? health : { ...health, failure: failureOf(failure) };
  }

  /**
   * Stops a stream, whoever it belongs to. Its receiver is told first, by the event `stream-updated`: {@link maintain} stops the stream
   * when the receiver has acknowledged that, or a minute later. The receiver may enable it again. Tells whether there is anything to
   * stop: the stream exists, is enabled, and is not being stopped.
   *
   * @throws {OutboxError} If the outbox cannot be used.
   *
   * @example
   * ```ts
   * await api.stopStream(streamId, 'your tenant moves to another region', 'pause');
   * ```
   */
  async stopStream(streamId: string, reason: string, how: Stop = 'pause'): Promise<boolean> {
    const at = new Place(this.stopStream);
    checkedArgument('streamId', streamId, string, at);
    checkedArgument('reason', reason, string, at);
    checkedArgument('how', how, STOP, at);
    return call<boolean>((mailbox, number) => this.#native.stopStream(mailbox, number, streamId, how, reason), at);
  }

  /**
   * Lets a stream go on that was stopped, by you or by its receiver, or that is about to be, and tells the receiver so by the event
   * `stream-updated`. Tells whether there is anything to do.
   *
   * @throws {OutboxError} If the outbox cannot be used.
   */
  async resumeStream(streamId: string, reason: string): Promise<boolean> {
    const at = new Place(this.resumeStream);
    checkedArgument('streamId', streamId, string, at);
    checkedArgument('reason', reason, string, at);
    return call<boolean>((mailbox, number) => this.#native.resumeStream(mailbox, number, streamId, reason), at);
  }

  /** @internal */
  static handle(api: StreamApi): NativeStreamApi {
    return api.#native;
  }
}
