/** Okta's SSF Receiver API: the providers whose SETs an org takes. */

import { call } from './calls.js';
import { errorOf, Place, unwrap } from './errors.js';
import { bytesOf } from './keys.js';
import { type NativeProvider, type NativeProviders, type NativeWanted, native } from './native.js';
import { boolean, byteLists, checked, checkedArgument, object, signal, span, string, strings } from './options.js';
import { type Bounds, policyOf } from './policy.js';
import { type ClientCredentials, credentialsOf } from './receiver.js';

/** The settings of a provider: either where its configuration is, or its issuer and where its keys are. */
export type ProviderSettings =
  | { readonly wellKnownUrl: string; readonly issuer?: undefined; readonly jwksUrl?: undefined }
  | { readonly issuer: string; readonly jwksUrl: string; readonly wellKnownUrl?: undefined };

/** What can be set of a provider. */
export type NewProvider = ProviderSettings & {
  /** The name that admins see. */
  readonly name: string;
  /** The type: a word for the product, such as `okta` or `example-edr`. */
  readonly type: string;
};

/** What is to be another of a provider: some of its name, its type, and its settings as a whole. */
export type ProviderChange = (
  | ProviderSettings
  | { readonly wellKnownUrl?: undefined; readonly issuer?: undefined; readonly jwksUrl?: undefined }
) & { readonly name?: string | undefined; readonly type?: string | undefined };

/** A provider as Okta shows it. */
export interface SecurityEventsProvider {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  /** Whether its SETs are taken. */
  readonly status: 'ACTIVE' | 'INACTIVE' | (string & {});
  readonly wellKnownUrl?: string | undefined;
  readonly issuer?: string | undefined;
  readonly jwksUrl?: string | undefined;
}

/** How to reach an org: its URL, and one of the three ways to authorize. */
export interface OktaProvidersOptions extends Bounds {
  /** The URL that users sign in at, such as `https://acme.okta.com`. */
  readonly org: string;
  /** An API token of the org (`SSWS`). */
  readonly apiToken?: string | undefined;
  /** An OAuth 2.0 access token with the scope `okta.securityEventsProviders.manage`. */
  readonly bearer?: string | undefined;
  /** Credentials of an API services app of the org, to get access tokens with. */
  readonly clientCredentials?: ClientCredentials | undefined;
  /** CA bundles (PEM) to trust beside the certificates of the operating system. */
  readonly caBundle?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /** A proxy. Without it those of the environment are used. */
  readonly proxy?: string | undefined;
  /** The address of this machine to send from. */
  readonly sourceAddress?: string | undefined;
  /** Networks that the egress guard is opened for. */
  readonly allowNetworks?: readonly string[] | undefined;
  /** Allow this machine, over plain http too, for trials and tests. */
  readonly allowLoopback?: boolean | undefined;
}

/** What can be set of a call. */
export interface CallOptions {
  /** Abandons the call, which then fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS = {
  org: string,
  apiToken: string,
  bearer: string,
  clientCredentials: object,
  deadline: span,
  retry: object,
  caBundle: byteLists,
  proxy: string,
  sourceAddress: string,
  allowNetworks: strings,
  allowLoopback: boolean,
};
const WANTED = { name: string, type: string, wellKnownUrl: string, issuer: string, jwksUrl: string };

/**
 * The security events providers of an Okta org: who may send it SETs. What is asked for is asked again after a throttled,
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
    const { caBundle = [], clientCredentials } = options;
    const settings = {
      org: options.org,
      ssws: options.apiToken,
      bearer: options.bearer,
      clientCredentials: clientCredentials && credentialsOf(clientCredentials, at),
      policy: policyOf(options, at),
      caBundles: (Array.isArray(caBundle) ? caBundle : [caBundle as string]).map(bytesOf),
      proxy: options.proxy,
      sourceAddress: options.sourceAddress,
      allowNetworks: [...(options.allowNetworks ?? [])],
      allowLoopback: options.allowLoopback ?? false,
    };
    this.#native = unwrap(native.Providers.build(settings), at);
  }

  /** Registers a provider. Okta makes it active. After `SSF_API_OUTCOME_UNKNOWN` it may be there; `ensure` finds out. */
  async create(provider: NewProvider, options?: CallOptions): Promise<SecurityEventsProvider> {
    return this.#one('create', undefined, provider, options, new Place(this.create));
  }

  /**
   * Makes sure that there is a provider like that, however often it is called: the one with the same name and the same
   * configuration URL or issuer, or a new one. Whether the one that was there is active is left to its admins.
   */
  async ensure(provider: NewProvider, options?: CallOptions): Promise<SecurityEventsProvider> {
    return this.#one('ensure', undefined, provider, options, new Place(this.ensure));
  }

  /** Lists all providers. */
  async list(options?: CallOptions): Promise<SecurityEventsProvider[]> {
    const all = await this.#call<NativeProvider[]>('list', undefined, undefined, options, new Place(this.list));
    return all.map(shown);
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
   * Changes some of a provider: reads it, and replaces it if that is another than it was. Okta has no condition on a
   * replacement: of two changes at once the later one stays.
   */
  async update(id: string, change: ProviderChange, options?: CallOptions): Promise<SecurityEventsProvider> {
    return this.#one('update', id, change, options, new Place(this.update));
  }

  /** Has SETs of a provider taken. */
  async activate(id: string, options?: CallOptions): Promise<SecurityEventsProvider> {
    return this.#one('activate', id, undefined, options, new Place(this.activate));
  }

  /** Has SETs of a provider refused. */
  async deactivate(id: string, options?: CallOptions): Promise<SecurityEventsProvider> {
    return this.#one('deactivate', id, undefined, options, new Place(this.deactivate));
  }

  /** Deletes a provider. */
  async delete(id: string, options?: CallOptions): Promise<void> {
    await this.#call('delete', id, undefined, options, new Place(this.delete));
  }

  async #one(
    operation: string,
    id: string | undefined,
    provider: ProviderChange | undefined,
    options: CallOptions | undefined,
    at: Place,
  ): Promise<SecurityEventsProvider> {
    return shown(await this.#call<NativeProvider>(operation, id, provider, options, at));
  }

  async #call<T>(
    operation: string,
    id: string | undefined,
    provider: ProviderChange | undefined,
    options: CallOptions = {},
    at: Place,
  ): Promise<T> {
    checked(options, { signal }, [], at);
    if (!['create', 'ensure', 'list'].includes(operation)) checkedArgument('id', id, string, at);
    const whole = ['create', 'ensure', 'replace'].includes(operation);
    const wanted = whole || operation === 'update' ? wantedOf(provider, whole ? ['name', 'type'] : [], at) : undefined;
    return call((mailbox, number) => this.#native.call(mailbox, number, operation, id, wanted), at, options.signal);
  }
}

function wantedOf(provider: ProviderChange | undefined, required: ('name' | 'type')[], at: Place): NativeWanted {
  if (provider === undefined) throw errorOf('SSF_PROVIDER_INVALID', 'a provider is missing', at);
  const { name, type, wellKnownUrl, issuer, jwksUrl } = checked(provider, WANTED, required, at);
  return { name, kind: type, wellKnownUrl, issuer, jwksUrl };
}

function shown({ kind, ...provider }: NativeProvider): SecurityEventsProvider {
  return { ...provider, type: kind };
}
