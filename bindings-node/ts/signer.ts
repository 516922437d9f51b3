/** Signers: keys outside this process, and the functions that sign with them. */

import { types } from 'node:util';
import { ALGORITHM, type Algorithm } from './algorithm.js';
import { type Caller, errorOf, type Place, unwrap } from './errors.js';
import { jsonText } from './json.js';
import type { PublicJwk } from './keys.js';
import { type NativePublicKey, type NativeSigner, native } from './native.js';
import { bytes, checked, either, func, object, string } from './options.js';
import type { Signature } from './signature.js';

/** What is known of an external key. */
interface ExternalKey {
  /** The algorithm of the key. */
  readonly algorithm: Algorithm;
  /** The `kid` under which the public key is published; by default, that of the public key. */
  readonly kid?: string | undefined;
  /**
   * The public key: PEM as a string, DER (`SubjectPublicKeyInfo`) as bytes, or a JWK. {@link Transmitter.jwks} publishes it,
   * and lint and doctor compare it with what is published.
   */
  readonly publicKey?: string | Uint8Array | object | undefined;
}

/** The settings of a signer that signs the signing input. */
export interface InputSignerOptions extends ExternalKey {
  /** Signs the bytes of the signing input. */
  readonly sign: (signingInput: Uint8Array) => Signature | Promise<Signature>;
  readonly signDigest?: undefined;
}

/** The settings of a signer that signs a digest. */
export interface DigestSignerOptions extends ExternalKey {
  /** Signs the digest of the signing input, for key services that accept few bytes. Ed25519 has none. */
  readonly signDigest: (digest: Uint8Array) => Signature | Promise<Signature>;
  readonly sign?: undefined;
}

/** The settings of a signer. */
export type SignerOptions = InputSignerOptions | DigestSignerOptions;

const OPTIONS = { algorithm: ALGORITHM, kid: string, publicKey: either(bytes, object), sign: func, signDigest: func };

/**
 * A key outside this process, and the function that signs with it. Use it like a {@link SigningKey}: as the key of a
 * transmitter, or in a {@link KeySet}.
 *
 * @example
 * ```ts
 * const signer = new Signer({
 *   algorithm: 'ES256',
 *   publicKey,
 *   signDigest: async (digest) => ({ der: (await kms.sign({ Message: digest, MessageType: 'DIGEST' })).Signature }),
 * });
 * const transmitter = new Transmitter({ issuer: 'https://edr.example.com', key: signer });
 * ```
 */
export class Signer {
  readonly #native: NativeSigner;
  readonly #options: SignerOptions;

  /**
   * Checks what is known of the key.
   *
   * @throws {ConfigError} If a setting is wrong; `pointer` names it.
   */
  constructor(options: SignerOptions) {
    const { algorithm, kid, publicKey, sign, signDigest } = checked(options, OPTIONS, ['algorithm'], Signer);
    if ((sign === undefined) === (signDigest === undefined)) {
      throw errorOf('SSF_CONFIGURATION_INVALID', 'pass either sign or signDigest', Signer, { pointer: '/sign' });
    }
    const key = publicKey === undefined ? undefined : nativePublicKey(publicKey, Signer);
    this.#native = unwrap(native.Signer.build(algorithm, kid, key, signDigest !== undefined), Signer);
    this.#options = options;
  }

  /** The algorithm of the key. */
  get algorithm(): Algorithm {
    return this.#options.algorithm;
  }

  /** The `kid` under which the public key is published, if it is known. */
  get kid(): string | undefined {
    return this.#native.kid ?? undefined;
  }

  /** The public key, if it is known. */
  get publicJwk(): PublicJwk | undefined {
    const jwk = this.#native.publicJwk();
    return jwk === null ? undefined : JSON.parse(jwk);
  }

  /** Shows algorithm and `kid`. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Signer { algorithm: '${this.algorithm}', kid: '${this.kid}' }`;
  }

  /** @internal */
  static handle(signer: Signer): NativeSigner {
    return signer.#native;
  }

  /** What the function of a signer gives for a signing input. @internal */
  static call(signer: Signer, signingInput: Uint8Array, digest: Uint8Array | null): Signature | Promise<Signature> {
    const { sign, signDigest } = signer.#options;
    return sign === undefined ? signDigest(digest as Uint8Array) : sign(signingInput);
  }
}

/** A public key as the native module takes it, by what it is given as. */
function nativePublicKey(key: string | Uint8Array | object, at: Caller | Place): NativePublicKey {
  if (typeof key === 'string') return { pem: key };
  return types.isUint8Array(key) ? { der: key } : { jwk: jsonText(key, { pointer: () => '/publicKey', outer: 0 }, at) };
}
