/**
 * A receiver to test against, on this machine and without a network: `npm install --save-dev ssf-transmitter-cli`.
 *
 * It judges SETs as Okta, GOV.UK One Login or any RFC 8935 receiver does, with a JOSE library of its own. What it can be
 * told to get wrong is described in `docs/emulator.md`. It is a process of the command `ssf`, and ends with this one; the
 * variable `SSF_COMMAND` names another program.
 *
 * @example
 * ```ts
 * import { startReceiver } from 'ssf-transmitter/testing';
 *
 * const emulator = await startReceiver({ like: 'okta', issuer: 'https://edr.example.com', keys: key });
 * await revoke(user, emulator.receiver());
 * emulator.assertReceived('caep.session-revoked', { format: 'email', email: user });
 * await emulator.stop();
 * ```
 *
 * @module
 */

import './bundled.js';

import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';

import { EmulatorProcess, type Ready } from './emulator.js';
import { Place } from './errors.js';
import { EVENT_TABLE } from './events/table.js';
import type { EventType } from './events/union.js';
import { jsonText } from './json.js';
import { type Jwks, jwksJson, KeySet, SigningKey } from './keys.js';
import { boolean, checked, count, either, object, oneOf, span, string, strings } from './options.js';
import { Receiver, type ReceiverSettings } from './receiver.js';
import type { Subject } from './subjects.js';

/** The receivers that it can be like. */
export type Like = 'okta' | 'govuk-one-login' | 'rfc8935';

/** The settings of an emulator. */
export interface EmulatorOptions {
  /** The receiver to answer like; `rfc8935` by default. */
  readonly like?: Like | undefined;
  /** The `iss` every SET must have. Needed, with `keys`, unless transmitters are registered by the API. */
  readonly issuer?: string | undefined;
  /** The keys of the transmitter, private or public, or the URL of its JWKS. */
  readonly keys?: SigningKey | KeySet | Jwks | string | undefined;
  /** The `aud` every SET must have; `https://receiver.example.net` by default. */
  readonly audience?: string | undefined;
  /** The users the receiver knows, by email address. Without any, it knows everybody. */
  readonly users?: readonly string[] | undefined;
  /** The client that the token endpoint of `govuk-one-login` knows. */
  readonly client?: { readonly id: string; readonly secret: string } | undefined;
  /** How many milliseconds an access token is good for; an hour by default. */
  readonly tokenLifetime?: number | undefined;
  /** The token of the API by which transmitters are registered (`okta`). */
  readonly apiToken?: string | undefined;
  /** What goes wrong, and when: rules as in `docs/emulator.md`. */
  readonly script?: Readonly<Record<string, unknown>> | undefined;
  /** Whether to speak TLS, with a certificate of its own authority, {@link ReceiverEmulator.caPem}. */
  readonly tls?: boolean | undefined;
  /** How many requests are kept, the newest ones; 10,000 by default. */
  readonly ledgerSize?: number | undefined;
  /** How many milliseconds after a SET was taken its entries are in the log (`okta`, with `apiToken`); at once by default. */
  readonly logDelay?: number | undefined;
  /** The most entries on a page of the log, whatever the request says; 1000 by default. */
  readonly logPage?: number | undefined;
  /** Whether entries of the log name the `jti`, which Okta does not document. */
  readonly logJti?: boolean | undefined;
}

/** A request, and its answer. */
export interface SeenRequest {
  /** The path, without query. */
  readonly path: string;
  /** The status of the answer, 0 if there was none. */
  readonly status: number;
  /** Whether the SET was taken. */
  readonly accepted: boolean;
  /** Why an accepted SET had no effect: `repeated jti`, `unknown user`, or `scripted`. */
  readonly dropped: string | null;
  /** The error code. */
  readonly err: string | null;
  /** What was wrong. */
  readonly description: string | null;
  /** What went wrong, if something was to. */
  readonly fault: string | null;
  /** The JOSE header, as far as it could be decoded. */
  readonly header: Readonly<Record<string, unknown>> | null;
  /** The claims, as far as they could be decoded. */
  readonly claims: SetClaims | null;
}

/** The claims of a SET. */
export interface SetClaims {
  readonly jti: string;
  readonly events: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly [claim: string]: unknown;
}

const OPTIONS = {
  like: oneOf('okta', 'govuk-one-login', 'rfc8935'),
  issuer: string,
  keys: either(object, string),
  audience: string,
  users: strings,
  client: object,
  tokenLifetime: span,
  apiToken: string,
  script: object,
  tls: boolean,
  ledgerSize: count,
  logDelay: span,
  logPage: count,
  logJti: boolean,
};

/** Starts a receiver: a real HTTP server on the loopback interface. It does not keep the process alive. */
export async function startReceiver(options: EmulatorOptions): Promise<ReceiverEmulator> {
  const at = new Place(startReceiver);
  checked(options, OPTIONS, [], at);
  const { like = 'rfc8935', audience = 'https://receiver.example.net', keys, script } = options;
  const client = options.client ?? { id: 'client', secret: 'secret' };
  const text = (value: unknown) => (value === undefined ? undefined : JSON.stringify(value));
  // Each as JSON: keys and script are written exactly.
  const settings = {
    like: text(like),
    audience: text(audience),
    issuer: text(options.issuer),
    jwks: keys === undefined || typeof keys === 'string' ? undefined : jwksOf(keys, at),
    jwks_uri: typeof keys === 'string' ? text(keys) : undefined,
    users: text(options.users),
    client: like === 'govuk-one-login' ? text({ id: client.id, secret: client.secret }) : undefined,
    api_token: text(options.apiToken),
    token_lifetime: text(seconds(options.tokenLifetime)),
    script: script && jsonText(script, { pointer: () => '/script', outer: 0 }, at),
    tls: text(options.tls),
    ledger_size: text(options.ledgerSize),
    log: text({ delay: seconds(options.logDelay), page: options.logPage, jti: options.logJti }),
  };
  const members = Object.entries(settings).filter(([, value]) => value !== undefined);
  const json = `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`;
  const [started, ready] = await EmulatorProcess.start(json, at);
  return ReceiverEmulator.of(started, ready, like, audience, client);
}

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}

function jwksOf(keys: SigningKey | KeySet | Jwks, at: Place): string {
  if (keys instanceof SigningKey) return JSON.stringify({ keys: [keys.publicJwk] });
  return jwksJson(keys instanceof KeySet ? keys.jwks() : keys, at);
}

/** A real HTTP server on the loopback interface that judges SETs as a known receiver does. See {@link startReceiver}. */
export class ReceiverEmulator implements AsyncDisposable {
  readonly #process: EmulatorProcess;
  readonly #ready: Ready;
  readonly #client: { readonly id: string; readonly secret: string };
  /** The receiver that it is like. */
  readonly like: Like;
  /** The `aud` every SET must have. */
  readonly audience: string;

  private constructor(
    process: EmulatorProcess,
    ready: Ready,
    like: Like,
    audience: string,
    client: { readonly id: string; readonly secret: string },
  ) {
    this.#process = process;
    this.#ready = ready;
    this.#client = client;
    this.like = like;
    this.audience = audience;
  }

  /** The URL that SETs are pushed to. */
  get url(): string {
    return this.#ready.push;
  }

  /** The URL of the server: what the URL of the org is at Okta. */
  get baseUrl(): string {
    return this.#ready.base;
  }

  /** The URL of the token endpoint, if the receiver has one. */
  get tokenUrl(): string | undefined {
    return this.#ready.token;
  }

  /** The authority to trust, if it speaks TLS: the `caBundle` of a transmitter. */
  get caPem(): string | undefined {
    return this.#ready.ca_pem;
  }

  /** This emulator as a receiver to send to. */
  receiver(settings: ReceiverSettings = {}): Receiver {
    const own = { audience: this.audience, allowLoopback: true };
    if (this.like === 'okta') return Receiver.okta(this.baseUrl, { ...own, ...settings });
    if (this.tokenUrl === undefined) return new Receiver({ endpoint: this.url, ...own, ...settings } as never);
    const { id, secret } = this.#client;
    const clientCredentials = { tokenUrl: this.tokenUrl, clientId: id, clientSecret: secret };
    return Receiver.govukOneLogin(this.url, { ...own, clientCredentials, ...settings } as never);
  }

  /** What it saw, oldest first, refused and misdirected requests too. */
  get requests(): SeenRequest[] {
    return this.#process.ask('requests', new Place(ReceiverEmulator)) as SeenRequest[];
  }

  /** The claims of the SETs that it took and that had an effect, oldest first; a `jti` has it once. */
  get received(): SetClaims[] {
    const effective = new Map<string, SetClaims>();
    for (const { accepted, dropped, claims } of this.requests) {
      if (accepted && dropped === null && claims !== null && !effective.has(claims.jti))
        effective.set(claims.jti, claims);
    }
    return [...effective.values()];
  }

  /** How often each `jti` was accepted. */
  get accepted(): Readonly<Record<string, number>> {
    return this.#process.ask('accepted', new Place(ReceiverEmulator)) as Record<string, number>;
  }

  /** Forgets what it saw. */
  clear(): void {
    this.#process.ask('clear', this.clear);
  }

  /**
   * Asserts that just one SET with this event had an effect, for this subject wherever the receiver wants it, and returns
   * its claims. `event` is the `type` of an event, or an event type URI.
   */
  assertReceived(event: EventType | (string & {}), subject?: Subject): SetClaims {
    const uri = EVENT_TABLE[event]?.uri ?? event;
    const found = this.received.filter(
      (claims) => Object.hasOwn(claims.events, uri) && (subject === undefined || isAbout(claims, uri, subject)),
    );
    const [only] = found;
    if (found.length === 1 && only !== undefined) return only;
    const seen = this.requests.map(({ status, err, dropped, fault, claims, path }) => {
      const outcome = err ?? dropped ?? fault ?? 'taken';
      return `  ${status} ${outcome} ${Object.keys(claims?.events ?? {}).join(', ') || path}`;
    });
    const message = [`expected one SET with ${uri}, found ${found.length} among:`, ...seen].join('\n');
    throw new AssertionError({ message, actual: found.length, expected: 1, stackStartFn: this.assertReceived });
  }

  /** Stops it, once pending requests are answered. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  /** {@link ReceiverEmulator.stop}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** @internal */
  static of(
    process: EmulatorProcess,
    ready: Ready,
    like: Like,
    audience: string,
    client: { readonly id: string; readonly secret: string },
  ): ReceiverEmulator {
    return new ReceiverEmulator(process, ready, like, audience, client);
  }
}

/** Whether a SET is about a subject, at its top or in its event, by itself or as a member of a complex one. */
function isAbout(claims: SetClaims, uri: string, wanted: Subject): boolean {
  // Objects of two realms are never equal, so the subject becomes one of the realm in which the claims were read.
  const own = JSON.parse(jsonText(wanted, { pointer: () => '/subject', outer: 0 }, isAbout));
  const places = [claims.sub_id, claims.events[uri]?.subject];
  return places.some(
    (place) =>
      typeof place === 'object' &&
      place !== null &&
      [place, ...Object.values(place)].some((subject) => isDeepStrictEqual(subject, own)),
  );
}
