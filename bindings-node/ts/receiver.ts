/** Receivers and their dialects. */

import { type Caller, errorOf, type Place, unwrap } from './errors.js';
import { SigningKey } from './keys.js';
import { type NativeClientCredentials, type NativeDialect, type NativeReceiver, native } from './native.js';
import {
  audience,
  boolean,
  checked,
  checkedArgument,
  count,
  either,
  instance,
  object,
  oneOf,
  positive,
  string,
  stringMap,
  typeName,
} from './options.js';

/** The built-in dialects. */
export type DialectId =
  | 'ssf-1.0'
  | 'caep-interop'
  | 'okta'
  | 'govuk-one-login'
  | 'govuk-app'
  | 'google-workspace'
  | 'login-gov'
  | 'apple';

/**
 * The requirements of one kind of receiver for SETs, as data: place and form of the subject, claims, time unit,
 * accepted events and their members.
 */
export class Dialect {
  readonly #native: NativeDialect;

  private constructor(dialect: NativeDialect) {
    this.#native = dialect;
  }

  /** The ids of the built-in dialects. */
  static get ids(): DialectId[] {
    return native.Dialect.ids() as DialectId[];
  }

  /** The built-in dialect with this id. */
  static builtIn(id: DialectId): Dialect {
    checkedArgument('id', id, string, Dialect.builtIn);
    return new Dialect(unwrap(native.Dialect.builtIn(id), Dialect.builtIn));
  }

  /**
   * Reads a custom dialect. `extends` names a built-in one, `ssf-1.0` by default; write only what differs.
   *
   * @example
   * ```ts
   * const dialect = Dialect.fromToml(`
   *   id = "okta-ms"
   *   extends = "okta"
   *   [time]
   *   unit = "ms"
   * `);
   * ```
   */
  static fromToml(text: string): Dialect {
    checkedArgument('text', text, string, Dialect.fromToml);
    return new Dialect(unwrap(native.Dialect.fromToml(text), Dialect.fromToml));
  }

  /** Reads a dialect that extends this one, whatever its `extends` says. */
  extended(text: string): Dialect {
    checkedArgument('text', text, string, this.extended);
    return new Dialect(unwrap(this.#native.extended(text), this.extended));
  }

  /** Its id. */
  get id(): string {
    return this.#native.id;
  }

  /** Its title, for people. */
  get title(): string {
    return this.#native.title;
  }

  /** Where its settings were found. */
  get source(): string {
    return this.#native.source;
  }

  /** Whether a receiver without credentials is a mistake. */
  get requiresAuthorization(): boolean {
    return this.#native.requiresAuthorization;
  }

  /** Shows the id. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Dialect { id: '${this.id}' }`;
  }

  /** @internal */
  static handle(dialect: Dialect | DialectId, at: Caller | Place): NativeDialect;
  static handle(dialect: Dialect | DialectId | undefined, at: Caller | Place): NativeDialect | undefined;
  static handle(dialect: Dialect | DialectId | undefined, at: Caller | Place): NativeDialect | undefined {
    if (typeof dialect === 'string') return unwrap(native.Dialect.builtIn(dialect), at);
    return dialect === undefined ? undefined : dialect.#native;
  }

  /** @internal */
  static of(dialect: NativeDialect): Dialect {
    return new Dialect(dialect);
  }
}

export const DIALECT = either(instance(Dialect, 'a Dialect'), string);

/** Client credentials, and the endpoint that issues access tokens for them (RFC 6749 §4.4). */
export interface ClientCredentials {
  /** The URL of the token endpoint, whatever its path. */
  readonly tokenUrl: string;
  /** The client's id. */
  readonly clientId: string;
  /** The client's secret. */
  readonly clientSecret?: string | undefined;
  /** Instead of a secret, a key for `private_key_jwt` (RFC 7523 §2.2). */
  readonly key?: SigningKey | undefined;
  /** How the secret is sent: `basic` in a header, which is the default, or `body` in the form. */
  readonly method?: 'basic' | 'body' | undefined;
  /** The scope to request. */
  readonly scope?: string | undefined;
  /** The audience to request, if the endpoint requires one. */
  readonly audience?: string | undefined;
  /** Further parameters of the request, such as `resource`. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
}

/** The settings of any receiver. */
export interface ReceiverSettings {
  /** The audience, exactly as the receiver documents it. */
  readonly audience?: string | readonly string[] | undefined;
  /** The receiver's requirements for SETs: the id of a built-in dialect, or a custom dialect. */
  readonly dialect?: Dialect | DialectId | undefined;
  /** The unit of event times, if it differs from the dialect: seconds or milliseconds. */
  readonly timeUnit?: 's' | 'ms' | undefined;
  /** The form of the subject inside the event, if it differs from the dialect. */
  readonly subjectShape?: 'modern' | 'bare-complex' | 'legacy' | undefined;
  /** A bearer token that does not change. */
  readonly bearer?: string | undefined;
  /** The value of the header `Authorization`, if it is not one of the others. */
  readonly authorization?: string | undefined;
  /** Credentials to get access tokens with. */
  readonly clientCredentials?: ClientCredentials | undefined;
  /** Allow loopback addresses, and plain http to them, for tests. */
  readonly allowLoopback?: boolean | undefined;
  /** Maximum number of concurrent deliveries to this receiver; 16 by default. */
  readonly concurrency?: number | undefined;
  /** Maximum number of requests per second. */
  readonly rateLimit?: number | undefined;
}

/** The settings of a receiver. */
export interface ReceiverOptions extends ReceiverSettings {
  /** The https URL of the push endpoint. */
  readonly endpoint: string;
  readonly audience: string | readonly string[];
}

const SETTINGS = {
  audience,
  dialect: DIALECT,
  timeUnit: oneOf('s', 'ms'),
  subjectShape: oneOf('modern', 'bare-complex', 'legacy'),
  bearer: string,
  authorization: string,
  clientCredentials: object,
  allowLoopback: boolean,
  concurrency: count,
  rateLimit: positive,
};

/**
 * The destination of SETs: push endpoint, audience, dialect and authorization. Cheap, even by the thousands. It keeps
 * the state that its deliveries share, such as an access token.
 *
 * @example
 * ```ts
 * const acme = Receiver.okta('https://acme.okta.com');
 * const any = new Receiver({ endpoint: 'https://receiver.example.net/events', audience: 'https://receiver.example.net' });
 * ```
 */
export class Receiver {
  /**
   * Checks the settings.
   *
   * @throws {ConfigError} If one is wrong; `pointer` names it.
   */
  constructor(options: ReceiverOptions) {
    checked(options, { endpoint: string, ...SETTINGS }, ['endpoint', 'audience'], Receiver);
    HANDLES.set(this, built('any', options.endpoint, options, Receiver));
  }

  /** An Okta org: the URL where its users sign in, such as `https://acme.okta.com`. The URL is the audience too. */
  static okta(org: string, settings: ReceiverSettings = {}): Receiver {
    checkedArgument('org', org, string, Receiver.okta);
    checked(settings, SETTINGS, [], Receiver.okta);
    return receiverOf(built('okta', org, settings, Receiver.okta));
  }

  /** GOV.UK One Login, with the inbound URL and the audience from its team. It needs `clientCredentials`. */
  static govukOneLogin(
    inbound: string,
    settings: ReceiverSettings & { readonly audience: string | readonly string[] },
  ): Receiver {
    checkedArgument('inbound', inbound, string, Receiver.govukOneLogin);
    checked(settings, SETTINGS, ['audience'], Receiver.govukOneLogin);
    return receiverOf(built('govuk-one-login', inbound, settings, Receiver.govukOneLogin));
  }

  /** Its audience. */
  get audience(): string | readonly string[] {
    return handleOf(this, Receiver).audience;
  }

  /** The host of its push endpoint. */
  get host(): string {
    return handleOf(this, Receiver).host;
  }

  /** Its dialect. */
  get dialect(): Dialect {
    return Dialect.of(handleOf(this, Receiver).dialect());
  }

  /** Shows host and dialect. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Receiver { host: '${this.host}', dialect: '${this.dialect.id}' }`;
  }
}

const HANDLES = new WeakMap<object, NativeReceiver>();

/** The receiver of a native one. */
export function receiverOf(native: NativeReceiver): Receiver {
  const receiver: Receiver = Object.create(Receiver.prototype);
  HANDLES.set(receiver, native);
  return receiver;
}

/** The native receiver. `name` is the option or argument that it was given as. */
export function handleOf(receiver: Receiver, at: Caller | Place, name = 'to'): NativeReceiver {
  const handle = HANDLES.get(receiver);
  if (handle !== undefined) return handle;
  const message = `${name}: expected a Receiver, got ${typeName(receiver)}`;
  throw errorOf('SSF_CONFIGURATION_INVALID', message, at, { pointer: `/${name}` });
}

function built(
  kind: 'okta' | 'govuk-one-login' | 'any',
  address: string,
  settings: ReceiverSettings,
  at: Caller,
): NativeReceiver {
  const { audience, clientCredentials } = settings;
  return unwrap(
    native.Receiver.build({
      kind,
      address,
      audience: audience === undefined || typeof audience === 'string' ? audience : [...audience],
      dialect: Dialect.handle(settings.dialect, at),
      timeUnit: settings.timeUnit,
      subjectShape: settings.subjectShape,
      bearer: settings.bearer,
      authorization: settings.authorization,
      clientCredentials: clientCredentials && credentialsOf(clientCredentials, at),
      allowLoopback: settings.allowLoopback ?? false,
      concurrency: settings.concurrency,
      rateLimit: settings.rateLimit,
    }),
    at,
  );
}

const CREDENTIALS = {
  tokenUrl: string,
  clientId: string,
  clientSecret: string,
  key: instance(SigningKey, 'a SigningKey'),
  method: oneOf('basic', 'body'),
  scope: string,
  audience: string,
  parameters: stringMap,
};

/** Client credentials as the native module takes them. */
export function credentialsOf(credentials: ClientCredentials, at: Caller | Place): NativeClientCredentials {
  checked(credentials, CREDENTIALS, ['tokenUrl', 'clientId'], at);
  const { scope, audience, parameters = {}, key } = credentials;
  const all = Object.entries({ ...parameters, ...(scope && { scope }), ...(audience && { audience }) });
  return {
    tokenUrl: credentials.tokenUrl,
    clientId: credentials.clientId,
    clientSecret: credentials.clientSecret,
    key: key && SigningKey.handle(key),
    inBody: credentials.method === 'body',
    parameters: all.flat(),
  };
}
