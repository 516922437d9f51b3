/** The settings of the stream API. */

import type { Place } from '../errors.js';
import { KeySet, SigningKey } from '../keys.js';
import type { NativeOutbox, NativeStreamOptions } from '../native.js';
import {
  boolean,
  checked,
  count,
  either,
  func,
  instance,
  kind,
  listOf,
  object,
  oneOf,
  span,
  string,
  strings,
} from '../options.js';
import { Outbox } from '../outbox/outbox.js';
import { Dialect } from '../receiver.js';
import { Signer } from '../signer.js';
import { type AuthenticatorOptions, accessOf } from './access.js';
import type { Audit } from './audit.js';
import type { Caller } from './caller.js';

/** How a stream is stopped: `pause` holds its events, `disable` drops them. */
export type Stop = 'pause' | 'disable';

/** The settings of a stream API. Spans are in milliseconds. */
export interface StreamApiOptions {
  /** The exact `iss` of the SETs, an https URL. */
  readonly issuer: string;
  /**
   * What signs: in this process, a {@link Signer} for a key elsewhere, or a set of either kind. The public key of a signer
   * must be known. Its function is called for all SETs of a poll at once: `maxSets` bounds how many.
   */
  readonly key: SigningKey | Signer | KeySet;
  /** Keeps streams, subjects and events: in memory, in a file, or in a database. */
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
  /**
   * How many subjects a stream may have: those added where it gets none by default, or those removed where it gets all; 100,000 by
   * default.
   */
  readonly maxSubjects?: number | undefined;
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
  /** After what time the streams of receivers that do nothing are stopped; never by default. */
  readonly inactivityTimeout?: number | undefined;
  /** How they are stopped: `pause` by default, which the next poll ends, or `disable`. */
  readonly inactivityStop?: Stop | undefined;
  /** How often each enabled stream gets a verification of the transmitter itself; never by default. */
  readonly canary?: number | undefined;
  /** How long events go on about a subject that a receiver has removed; not at all by default. */
  readonly removalGrace?: number | undefined;
  /** Dialects of your own, which {@link Caller.dialect} can name. Keep them as long as there are streams with them. */
  readonly dialects?: readonly Dialect[] | undefined;
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
  /**
   * Called with each change that a receiver makes or tries to make, and with what {@link StreamApi.maintain} stops and
   * enables, for your audit log. It may be async; an error of it is a warning of the process.
   */
  readonly onAudit?: ((audit: Audit) => unknown) | undefined;
  /** Allow http URLs of loopback hosts, for trials. */
  readonly allowLoopback?: boolean | undefined;
}

export const STOP = oneOf('pause', 'disable');
const REQUIRED = ['issuer', 'key', 'outbox', 'events'] as const;
const KEY = either(instance(SigningKey, 'a SigningKey'), instance(Signer, 'a Signer'), instance(KeySet, 'a KeySet'));
const OPTIONS = {
  issuer: string,
  key: KEY,
  outbox: instance(Outbox, 'an Outbox'),
  events: strings,
  baseUrl: string,
  defaultSubjects: oneOf('ALL', 'NONE'),
  criticalSubjectMembers: strings,
  maxStreams: count,
  maxSubjects: count,
  minVerificationInterval: span,
  longPoll: span,
  lease: span,
  maxSets: count,
  maxWaiting: count,
  maxHeldAge: span,
  inactivityTimeout: span,
  inactivityStop: STOP,
  canary: span,
  removalGrace: span,
  dialects: listOf(instance(Dialect, 'a Dialect'), 'an array of Dialects'),
  push: boolean,
  allowNetworks: strings,
  authenticator: object,
  rateLimit: kind('a whole number, zero or more', (value) => value === 0 || count.is(value)),
  resourceMetadata: string,
  onAudit: func,
  allowLoopback: boolean,
};

/** The settings as the native part takes them, what signs, the outbox, and who is told of changes. */
export function settingsOf(
  options: StreamApiOptions,
  at: Place,
): Pick<StreamApiOptions, 'onAudit'> & { settings: NativeStreamOptions; keys: KeySet; outbox: NativeOutbox } {
  const { key, outbox, events, ...rest } = checked(options, OPTIONS, REQUIRED, at);
  const { criticalSubjectMembers = [], allowNetworks = [], dialects = [] } = rest;
  const { push = false, allowLoopback = false } = rest;
  const settings = {
    issuer: rest.issuer,
    baseUrl: rest.baseUrl,
    events: [...events],
    defaultSubjects: rest.defaultSubjects,
    criticalSubjectMembers: [...criticalSubjectMembers],
    maxStreams: rest.maxStreams,
    maxSubjects: rest.maxSubjects,
    minVerificationInterval: rest.minVerificationInterval,
    longPoll: rest.longPoll,
    lease: rest.lease,
    maxSets: rest.maxSets,
    maxWaiting: rest.maxWaiting,
    maxHeldAge: rest.maxHeldAge,
    inactivityTimeout: rest.inactivityTimeout,
    inactivityStop: rest.inactivityStop,
    canary: rest.canary,
    removalGrace: rest.removalGrace,
    dialects: dialects.map((dialect) => Dialect.handle(dialect, at)),
    push,
    allowNetworks: [...allowNetworks],
    resourceMetadata: rest.resourceMetadata,
    allowLoopback,
    access: rest.authenticator && accessOf(rest.authenticator, at),
    rateLimit: rest.rateLimit,
  };
  const keys = key instanceof KeySet ? key : new KeySet(key);
  return { settings, keys, outbox: Outbox.handle(outbox), onAudit: rest.onAudit };
}
