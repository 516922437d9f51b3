/** Okta's SSF Receiver API: the providers whose SETs an org accepts, and its System Log. */

import { call } from './calls.js';
import { errorOf, Place, unwrap } from './errors.js';
import {
  type NativeLogPager,
  type NativeProvider,
  type NativeProviderInput,
  type NativeProviders,
  native,
} from './native.js';
import { NETWORK, type NetworkOptions, networkOf } from './network.js';
import { eventOf, type LogEvent, type Reception, receptionOf } from './okta-log.js';
import {
  boolean,
  checked,
  checkedArgument,
  count,
  date,
  either,
  instance,
  object,
  signal,
  span,
  string,
  strings,
} from './options.js';
import { type Bounds, policyOf } from './policy.js';
import { type ClientCredentials, credentialsOf } from './receiver.js';
import { Receipt, SignedSet } from './sets.js';

/** The settings of a provider: either its configuration URL, or its issuer and its JWKS URL. */
export type ProviderSettings =
  | { readonly wellKnownUrl: string; readonly issuer?: undefined; readonly jwksUrl?: undefined }
  | { readonly issuer: string; readonly jwksUrl: string; readonly wellKnownUrl?: undefined };

/** The settings of a provider. */
export type NewProvider = ProviderSettings & {
  /** The name that admins see. */
  readonly name: string;
  /** The type: a word for the product, such as `okta` or `example-edr`. */
  readonly type: string;
};

/** The changes to a provider: any of name, type, and the settings as a whole. */
export type ProviderChange = (
  | ProviderSettings
  | { readonly wellKnownUrl?: undefined; readonly issuer?: undefined; readonly jwksUrl?: undefined }
) & { readonly name?: string | undefined; readonly type?: string | undefined };

/** A provider as Okta shows it. */
export interface SecurityEventsProvider {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  /** Whether its SETs are accepted. */
  readonly status: 'ACTIVE' | 'INACTIVE' | (string & {});
  readonly wellKnownUrl?: string | undefined;
  readonly issuer?: string | undefined;
  readonly jwksUrl?: string | undefined;
}

/** How to reach an org: its URL, and one of the three ways to authorize. */
export interface OktaProvidersOptions extends Bounds, NetworkOptions {
  /** The URL that users sign in at, such as `https://acme.okta.com`. */
  readonly org: string;
  /** An API token of the org (`SSWS`). */
  readonly apiToken?: string | undefined;
  /** An OAuth 2.0 access token with the scope `okta.securityEventsProviders.manage`. */
  readonly bearer?: string | undefined;
  /** Credentials of an API services app of the org, to get access tokens with. */
  readonly clientCredentials?: ClientCredentials | undefined;
  /** Allow loopback addresses, and plain http to them, for tests. */
  readonly allowLoopback?: boolean | undefined;
}

/** The settings of a call. */
export interface CallOptions {
  /** Aborts the call, which then fails with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

/** Which entries of the log to read, the oldest first. */
export interface LogOptions extends CallOptions {
  /** The start. */
  readonly since: Date;
  /** The end. Without it, the log may be followed. */
  readonly until?: Date | undefined;
  /** The types; by default, those about SETs and user risk; an empty list means all types. */
  readonly eventTypes?: readonly string[] | undefined;
  /** Entries per page, 1 to 1000; 100 by default. */
  readonly pageSize?: number | undefined;
  /** Wait at the end for new entries. */
  readonly follow?: boolean | undefined;
  /** The polling interval in milliseconds; 5000 by default. */
  readonly pause?: number | undefined;
}

const RECEIPT = either(instance(Receipt, 'a Receipt'), object);
const SENT = { set: instance(SignedSet, 'a SignedSet'), answeredAt: date };
const LOG = { since: date, until: date, eventTypes: strings, pageSize: count, follow: boolean, pause: span, signal };
const OPTIONS = {
  org: string,
  apiToken: string,
  bearer: string,
  clientCredentials: object,
  deadline: span,
  retry: object,
  ...NETWORK,
  allowLoopback: boolean,
};
const WANTED = { name: string, type: string, wellKnownUrl: string, issuer: string, jwksUrl: string };

/**
 * The security events providers of an Okta org: who may send it SETs. A request is retried after a throttled,
 * failed or lost answer; a `create` only where it is certain that nothing was created.
 *
 * @example
 * ```ts
 * const providers = new OktaProviders({ org: 'https://acme.okta.com', apiToken });
 * const provider = await providers.ensure({
 *   name: 'Example EDR',
 *   type: 'example-edr',
 *   wellKnownUrl: 'https://edr.example.com/.well-known/ssf-configuration',
 * });
 * ```
 */
export class OktaProviders {
  readonly #native: NativeProviders;

  constructor(options: OktaProvidersOptions) {
    const at = OktaProviders;
    checked(options, OPTIONS, ['org'], at);
    const { clientCredentials } = options;
    const settings = {
      org: options.org,
      ssws: options.apiToken,
      bearer: options.bearer,
      clientCredentials: clientCredentials && credentialsOf(clientCredentials, at),
      policy: policyOf(options, at),
      network: networkOf(options, at),
      allowLoopback: options.allowLoopback ?? false,
    };
    this.#native = unwrap(native.Providers.build(settings), at);
  }

  /** Registers a provider. Okta makes it active. After `SSF_API_OUTCOME_UNKNOWN` it may exist; `ensure` finds out. */
  async create(provider: NewProvider, options?: CallOptions): Promise<SecurityEventsProvider> {
    return this.#one('create', undefined, provider, options, new Place(this.create));
  }

  /**
   * Makes sure that there is a provider with these settings. Calling it repeatedly is safe: the one with the same name
   * and the same configuration URL or issuer, or a new one. Whether an existing one is active is left to its admins.
   */
  async ensure(provider: NewProvider, options?: CallOptions): Promise<SecurityEventsProvider> {
    return this.#one('ensure', undefined, provider, options, new Place(this.ensure));
  }

  /** Lists all providers. */
  async list(options?: CallOptions): Promise<SecurityEventsProvider[]> {
    return this.#call('list', undefined, undefined, options, new Place(this.list));
  }

  /** Reads a provider. */
  async read(id: string, options?: CallOptions): Promise<SecurityEventsProvider> {
    return this.#one('read', id, undefined, options, new Place(this.read));
  }

  /** Replaces name, type and settings of a provider. */
  async replace(id: string, provider: NewProvider, options?: CallOptions): Promise<SecurityEventsProvider> {
    return this.#one('replace', id, provider, options, new Place(this.replace));
  }

  /**
   * Changes some settings of a provider: reads it, and replaces it if they differ. Okta has no conditional
   * replacement: of two concurrent changes, the later one wins.
   */
  async update(id: string, change: ProviderChange, options?: CallOptions): Promise<SecurityEventsProvider> {
    return this.#one('update', id, change, options, new Place(this.update));
  }

  /** Activates a provider, so that its SETs are accepted. */
  async activate(id: string, options?: CallOptions): Promise<SecurityEventsProvider> {
    return this.#one('activate', id, undefined, options, new Place(this.activate));
  }

  /** Deactivates a provider, so that its SETs are rejected. */
  async deactivate(id: string, options?: CallOptions): Promise<SecurityEventsProvider> {
    return this.#one('deactivate', id, undefined, options, new Place(this.deactivate));
  }

  /** Deletes a provider. */
  async delete(id: string, options?: CallOptions): Promise<void> {
    await this.#call('delete', id, undefined, options, new Place(this.delete));
  }

  /**
   * Searches the org's System Log for a SET that it answered with 202. Okta accepts SETs that it then drops.
   * The token needs the scope `okta.logs.read`; one that may also read the providers makes causes certain.
   *
   * @param sent The receipt, or, where another process has sent it, the SET and the time of the answer.
   * @param options `deadline`: how many milliseconds to search, by default the deadline of any method.
   *
   * @example
   * ```ts
   * const { outcome, causes } = await providers.received(receipt, { deadline: 60_000 });
   * for (const { meaning, remedy } of causes) console.log(outcome, meaning, remedy);
   * ```
   */
  async received(
    sent: Receipt | { readonly set: SignedSet; readonly answeredAt: Date },
    options: CallOptions & { readonly deadline?: number | undefined } = {},
  ): Promise<Reception> {
    const at = new Place(this.received);
    const { deadline, signal: aborted } = checked(options, { deadline: span, signal }, [], at);
    checkedArgument('sent', sent, RECEIPT, at);
    const { set, answeredAt } = sent instanceof Receipt ? sent : checked(sent, SENT, ['set', 'answeredAt'], at);
    const [compact, answered] = [String(set), answeredAt.getTime()];
    return receptionOf(
      await call((mailbox, number) => this.#native.received(mailbox, number, compact, answered, deadline), at, aborted),
    );
  }

  /**
   * Reads the org's System Log, the oldest entry first. The token needs the scope `okta.logs.read`. Each page is read within
   * the deadline.
   *
   * @example
   * ```ts
   * for await (const { uuid, eventType } of providers.log({ since: new Date(Date.now() - 3_600_000) })) {
   *   console.log(uuid, eventType);
   * }
   * ```
   */
  log(options: LogOptions): AsyncGenerator<LogEvent, void, void> {
    const at = new Place(this.log);
    const {
      since,
      until,
      eventTypes,
      pageSize = 100,
      follow,
      pause = 5000,
      signal,
    } = checked(options, LOG, ['since'], at);
    const query = {
      since: since.getTime(),
      until: until?.getTime(),
      eventTypes: eventTypes && [...eventTypes],
      pageSize,
      follow: follow ? pause : undefined,
    };
    return entries(unwrap(native.LogPager.open(this.#native, query), at), at, signal);
  }

  /** @internal */
  static handle(providers: OktaProviders): NativeProviders {
    return providers.#native;
  }

  async #one(
    operation: string,
    id: string | undefined,
    provider: ProviderChange | undefined,
    options: CallOptions | undefined,
    at: Place,
  ): Promise<SecurityEventsProvider> {
    const [answer] = await this.#call(operation, id, provider, options, at);
    if (answer === undefined) throw errorOf('SSF_INTERNAL', 'the answer shows no provider', at);
    return answer;
  }

  async #call(
    operation: string,
    id: string | undefined,
    provider: ProviderChange | undefined,
    options: CallOptions = {},
    at: Place,
  ): Promise<SecurityEventsProvider[]> {
    checked(options, { signal }, [], at);
    if (!['create', 'ensure', 'list'].includes(operation)) checkedArgument('id', id, string, at);
    const whole = ['create', 'ensure', 'replace'].includes(operation);
    const wanted = whole || operation === 'update' ? wantedOf(provider, whole ? ['name', 'type'] : [], at) : undefined;
    const all = await call<NativeProvider[]>(
      (mailbox, number) => this.#native.call(mailbox, number, operation, id, wanted),
      at,
      options.signal,
    );
    return all.map(shown);
  }
}

async function* entries(
  log: NativeLogPager,
  at: Place,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogEvent, void, void> {
  for (;;) {
    const entry = await call<string | null>((mailbox, number) => log.next(mailbox, number), at, signal);
    if (entry === null) return;
    yield eventOf(entry);
  }
}

function wantedOf(provider: ProviderChange | undefined, required: ('name' | 'type')[], at: Place): NativeProviderInput {
  if (provider === undefined) throw errorOf('SSF_PROVIDER_INVALID', 'a provider is missing', at);
  const { name, type, wellKnownUrl, issuer, jwksUrl } = checked(provider, WANTED, required, at);
  return { name, kind: type, wellKnownUrl, issuer, jwksUrl };
}

function shown({ kind, ...provider }: NativeProvider): SecurityEventsProvider {
  return { ...provider, type: kind };
}
