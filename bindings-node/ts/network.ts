/** Network options that a transmitter and Okta's API share. */

import type { Caller, Place } from './errors.js';
import { bytesOf } from './keys.js';
import type { NativeNetwork } from './native.js';
import { boolean, byteLists, bytes, checked, object, string, strings } from './options.js';

/** Whom TLS trusts, and what it presents. */
export interface TrustOptions {
  /** CA bundles (PEM) to trust in addition to the certificates of the operating system. */
  readonly caBundle?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /** A client certificate with its chain, and its private key, in PEM (mutual TLS, RFC 8705). */
  readonly clientCertificate?: { readonly chain: string | Uint8Array; readonly key: string | Uint8Array } | undefined;
}

/** Network options. */
export interface NetworkOptions extends TrustOptions {
  /** An HTTP proxy. By default, the proxy of the environment (`HTTPS_PROXY`, `NO_PROXY`) or the operating system. */
  readonly proxy?: string | undefined;
  /** The local source address, for receivers that allow-list addresses. */
  readonly sourceAddress?: string | undefined;
  /** Whether to offer HTTP/2; `true` by default. */
  readonly http2?: boolean | undefined;
  /** Networks that the egress guard allows, such as `10.1.0.0/16`. */
  readonly allowNetworks?: readonly string[] | undefined;
}

/** The types of these options. */
export const TRUST = { caBundle: byteLists, clientCertificate: object };
export const NETWORK = {
  ...TRUST,
  proxy: string,
  sourceAddress: string,
  http2: boolean,
  allowNetworks: strings,
};

/** The options as the native part takes them. Their types have been checked. */
export function networkOf(options: NetworkOptions, at: Caller | Place): NativeNetwork {
  const { proxy, sourceAddress, http2 = true, allowNetworks = [] } = options;
  return { ...trustOf(options, at), proxy, sourceAddress, http2, allowNetworks: [...allowNetworks] };
}

/** Those of TLS. */
export function trustOf(
  options: TrustOptions,
  at: Caller | Place,
): Pick<NativeNetwork, 'caBundles' | 'clientCertificate'> {
  const { caBundle = [], clientCertificate } = options;
  if (clientCertificate !== undefined) {
    checked(clientCertificate, { chain: bytes, key: bytes }, ['chain', 'key'], at);
  }
  return {
    caBundles: (Array.isArray(caBundle) ? caBundle : [caBundle as string]).map(bytesOf),
    clientCertificate: clientCertificate && [bytesOf(clientCertificate.chain), bytesOf(clientCertificate.key)],
  };
}
