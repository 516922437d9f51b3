/** The transmitter configuration: the document by which receivers find issuer, keys and endpoints (SSF 1.0 §7). */

import { URL } from 'node:url';

import { unwrap } from './errors.js';
import { jsonText } from './json.js';
import { type NativeLocated, native } from './native.js';
import { boolean, checked, checkedArgument, either, object, oneOf, string, strings } from './options.js';

/** The settings of a transmitter configuration. */
export interface ConfigurationOptions {
  /** An https URL without query and fragment: the exact `iss` of the SETs. */
  readonly issuer: string;
  /** The URL of the JWKS; required if SETs are signed. */
  readonly jwksUri?: string | undefined;
  /** The version of the specification; `1_0` by default. */
  readonly specVersion?: string | undefined;
  /** The delivery methods; push (`urn:ietf:rfc:8935`) by default. */
  readonly deliveryMethods?: readonly string[] | undefined;
  readonly configurationEndpoint?: string | undefined;
  readonly statusEndpoint?: string | undefined;
  readonly addSubjectEndpoint?: string | undefined;
  readonly removeSubjectEndpoint?: string | undefined;
  readonly verificationEndpoint?: string | undefined;
  /** Members of complex subjects that receivers must understand (SSF 1.0 §3.6). */
  readonly criticalSubjectMembers?: readonly string[] | undefined;
  /** Ways to authorize, by URN: `urn:ietf:rfc:6749` is OAuth 2.0. */
  readonly authorizationSchemes?: readonly string[] | undefined;
  /** Whose events a new stream delivers. */
  readonly defaultSubjects?: 'ALL' | 'NONE' | undefined;
  /** Custom members. */
  readonly members?: Readonly<Record<string, unknown>> | undefined;
  /** Allow http URLs of loopback hosts, for tests. */
  readonly allowLoopback?: boolean | undefined;
}

/** A transmitter configuration: a document and its URL. */
export interface TransmitterConfiguration {
  /** The URL to serve it at. */
  readonly url: string;
  /** The path of that URL, for a router. */
  readonly path: string;
  /** The document, to serve with the content type `application/json`. */
  readonly document: Readonly<Record<string, unknown>>;
}

const OPTIONS = {
  issuer: string,
  jwksUri: string,
  specVersion: string,
  deliveryMethods: strings,
  configurationEndpoint: string,
  statusEndpoint: string,
  addSubjectEndpoint: string,
  removeSubjectEndpoint: string,
  verificationEndpoint: string,
  criticalSubjectMembers: strings,
  authorizationSchemes: strings,
  defaultSubjects: oneOf('ALL', 'NONE'),
  members: object,
  allowLoopback: boolean,
};

/**
 * Validates and writes a transmitter configuration.
 *
 * @example
 * ```ts
 * const { path, document } = transmitterConfiguration({
 *   issuer: 'https://edr.example.com',
 *   jwksUri: 'https://edr.example.com/jwks.json',
 * });
 * app.get(path, (_, response) => response.json(document));
 * ```
 */
export function transmitterConfiguration(options: ConfigurationOptions): TransmitterConfiguration {
  const at = transmitterConfiguration;
  checked(options, OPTIONS, ['issuer'], at);
  const copied = (texts: readonly string[] | undefined) => texts && [...texts];
  const settings = {
    issuer: options.issuer,
    jwksUri: options.jwksUri,
    specVersion: options.specVersion,
    deliveryMethods: copied(options.deliveryMethods),
    configurationEndpoint: options.configurationEndpoint,
    statusEndpoint: options.statusEndpoint,
    addSubjectEndpoint: options.addSubjectEndpoint,
    removeSubjectEndpoint: options.removeSubjectEndpoint,
    verificationEndpoint: options.verificationEndpoint,
    criticalSubjectMembers: copied(options.criticalSubjectMembers),
    authorizationSchemes: copied(options.authorizationSchemes),
    defaultSubjects: options.defaultSubjects,
    members: options.members && jsonText(options.members, { pointer: () => '/members', outer: 0 }, at),
    allowLoopback: options.allowLoopback ?? false,
  };
  return located(unwrap(native.configuration(settings), at));
}

/** Reads a transmitter configuration, as text or as an object, and checks it. */
export function readTransmitterConfiguration(document: string | object): TransmitterConfiguration {
  const at = readTransmitterConfiguration;
  checkedArgument('document', document, either(string, object), at);
  const json = typeof document === 'string' ? document : jsonText(document, { pointer: () => '', outer: 0 }, at);
  return located(unwrap(native.readConfiguration(json), at));
}

/** Where the configuration of `issuer` is: `/.well-known/ssf-configuration` between host and path (SSF 1.0 §7.2). */
export function wellKnownUrl(issuer: string): string {
  checkedArgument('issuer', issuer, string, wellKnownUrl);
  return unwrap(native.wellKnownUrl(issuer, false), wellKnownUrl);
}

/** The URL for older receivers: `/.well-known/risc-configuration` (SSF 1.0 §7.2.2). Not for new services. */
export function legacyWellKnownUrl(issuer: string): string {
  checkedArgument('issuer', issuer, string, legacyWellKnownUrl);
  return unwrap(native.wellKnownUrl(issuer, true), legacyWellKnownUrl);
}

function located({ document, url }: NativeLocated): TransmitterConfiguration {
  return { url, path: new URL(url).pathname, document: JSON.parse(document) };
}
