/** What finds out who calls where no function of the host does. */

import { type Place, unwrap } from '../errors.js';
import { type NativeAccess, type NativeIssuer, native } from '../native.js';
import { boolean, checked, list, object, oneOf, string, strings } from '../options.js';
import { type Caller, callerOf } from './caller.js';

/** A receiver that a client of an issuer is: its id, and the `aud` of the SETs in its streams. */
export interface ClientReceiver {
  readonly receiver: string;
  readonly audience: string;
}

/**
 * An authorization server whose access tokens are accepted: JWTs that are signed with its published keys.
 *
 * @example
 * ```ts
 * const issuer: TrustedIssuer = {
 *   issuer: 'https://acme.okta.com/oauth2/default',
 *   profile: 'okta',
 *   audience: 'api://ssf',
 *   clients: { '0oa1b2c3d4E5f6G7h8i9': { receiver: 'acme', audience: 'https://acme.example.com/ssf' } },
 * };
 * ```
 */
export interface TrustedIssuer {
  /** Its exact `iss`. */
  readonly issuer: string;
  /** How it writes tokens; `rfc9068` by default. */
  readonly profile?: 'rfc9068' | 'okta' | 'auth0' | 'entra-id' | 'keycloak' | 'cognito' | undefined;
  /** The `aud` of tokens for your API; the URL of the API by default. */
  readonly audience?: string | undefined;
  /** The receivers by client id. */
  readonly clients?: Readonly<Record<string, ClientReceiver>> | undefined;
  /**
   * The receiver for every other client of the issuer; `{client}` stands for the client id. Whoever can create a client there is
   * then a receiver.
   */
  readonly everyClient?: ClientReceiver | undefined;
  /** The names of its scopes; `ssf.read` and `ssf.manage` by default. */
  readonly scopeNames?: { readonly read: string; readonly manage: string } | undefined;
  /** Where its metadata is, if not at the places of RFC 8414 and OpenID Connect Discovery. */
  readonly metadataUrl?: string | undefined;
  /** Where its keys are, if it has no metadata. */
  readonly jwksUri?: string | undefined;
}

/** Who is let in: by access tokens, and by static tokens. */
export interface AuthenticatorOptions {
  /** Receivers by the hashes of their static tokens. A receiver may have several. */
  readonly tokens?: Readonly<Record<string, Caller>> | undefined;
  /** Whose access tokens are accepted. */
  readonly issuers?: readonly TrustedIssuer[] | undefined;
  /** Networks that the egress guard lets issuers be in, such as `10.1.0.0/16`. */
  readonly allowNetworks?: readonly string[] | undefined;
  /** Allow issuers on this machine, over http too: for trials. */
  readonly allowLoopback?: boolean | undefined;
}

/** A token for a receiver without an authorization server. Show the secret to the receiver once, and keep the hash. */
export interface StaticToken {
  readonly secret: string;
  /** For `tokens` of the authenticator. */
  readonly hash: string;
}

/**
 * Generates a static token.
 *
 * @example
 * ```ts
 * const { secret, hash } = generateStaticToken();
 * const authenticator = { tokens: { [hash]: { receiver: 'acme', scopes: 'ssf.manage' } } };
 * ```
 */
export function generateStaticToken(): StaticToken {
  return unwrap(native.generateToken(), generateStaticToken);
}

const AUTHENTICATOR = { tokens: object, issuers: list, allowNetworks: strings, allowLoopback: boolean };
const ISSUER = {
  issuer: string,
  profile: oneOf('rfc9068', 'okta', 'auth0', 'entra-id', 'keycloak', 'cognito'),
  audience: string,
  clients: object,
  everyClient: object,
  scopeNames: object,
  metadataUrl: string,
  jwksUri: string,
};
const CLIENT = { receiver: string, audience: string };
const SCOPES = { read: string, manage: string };

/** The settings as the native part takes them. */
export function accessOf(options: AuthenticatorOptions, at: Place): NativeAccess {
  const {
    tokens = {},
    issuers = [],
    allowNetworks = [],
    allowLoopback = false,
  } = checked(options, AUTHENTICATOR, [], at);
  return {
    hashes: Object.keys(tokens),
    callers: Object.values(tokens).map((caller) => callerOf(caller, at)),
    issuers: issuers.map((issuer) => issuerOf(issuer, at)),
    allowNetworks: [...allowNetworks],
    allowLoopback,
  };
}

function issuerOf(given: TrustedIssuer, at: Place): NativeIssuer {
  const { issuer, profile = 'rfc9068', audience, clients = {}, ...rest } = checked(given, ISSUER, ['issuer'], at);
  const { everyClient, scopeNames, metadataUrl, jwksUri } = rest;
  const names = scopeNames && checked(scopeNames, SCOPES, ['read', 'manage'], at);
  return {
    issuer,
    profile,
    audience,
    clients: Object.entries(clients).map(([client, receiver]) => [client, ...pairOf(receiver, at)]),
    everyClient: everyClient && pairOf(everyClient, at),
    scopeNames: names && [names.read, names.manage],
    metadataUrl,
    jwksUri,
  };
}

function pairOf(client: ClientReceiver, at: Place): [receiver: string, audience: string] {
  const { receiver, audience } = checked(client, CLIENT, ['receiver', 'audience'], at);
  return [receiver, audience];
}
