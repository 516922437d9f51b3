/** External signatures: from a key management service, an HSM, or WebCrypto. */

import { types } from 'node:util';

import { type Caller, errorOf, type Place } from './errors.js';
import { isObject, typeName } from './options.js';

/**
 * A signature: bytes as JWS has them, or, for ECDSA, `{ der }` as many key stores give it (RFC 7518 §3.4). WebCrypto
 * returns the former, AWS KMS and PKCS#11 bridges return the latter.
 */
export type Signature = Uint8Array | ArrayBuffer | { readonly der: Uint8Array | ArrayBuffer };

/** The bytes of a signature, and whether they are DER. */
export function signatureOf(signature: unknown, at: Caller | Place): [bytes: Uint8Array, der: boolean] {
  const plain = bytesOf(signature);
  if (plain !== undefined) return [plain, false];
  const der = isObject(signature) ? bytesOf(signature.der) : undefined;
  if (der !== undefined) return [der, true];
  const message = `a signature must be a Uint8Array, an ArrayBuffer or { der }, not ${typeName(signature)}`;
  throw errorOf('SSF_SIGNATURE_MALFORMED', message, at);
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (types.isUint8Array(value)) return value;
  return types.isAnyArrayBuffer(value) ? new Uint8Array(value) : undefined;
}
