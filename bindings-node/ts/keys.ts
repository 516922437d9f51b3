/** Signing keys: generate, import, publish, rotate. */

import { Buffer } from 'node:buffer';

import type { Algorithm } from './algorithm.js';
import { call } from './calls.js';
import { type Caller, failed, Place, type SsfError, unwrap } from './errors.js';
import { jsonText } from './json.js';
import { type NativeKeySet, type NativeMailbox, type NativeSigningKey, type NativeSource, native } from './native.js';
import { bytes, checked, checkedArgument, date, either, instance, object, span, string } from './options.js';
import { Signer } from './signer.js';

/** The kinds of keys that can be generated; most receivers require `RSA-2048`. */
export type KeyType = 'RSA-2048' | 'RSA-3072' | 'RSA-4096' | 'P-256' | 'P-384' | 'P-521' | 'Ed25519';

/** A public key as it is published (RFC 7517 §4). */
export interface PublicJwk {
  readonly kty: string;
  readonly use: 'sig';
  readonly alg: Algorithm;
  readonly kid: string;
  readonly [member: string]: unknown;
}

/** A set of public keys: the document at a `jwks_uri` (RFC 7517 §5). */
export interface Jwks {
  readonly keys: readonly PublicJwk[];
}

/** Options for reading a key. */
export interface ReadOptions {
  /** The password of an encrypted key. */
  readonly password?: string | undefined;
  /** The `kid` to publish it under. By default, its own `kid`, or its RFC 7638 thumbprint. */
  readonly kid?: string | undefined;
  /** Another algorithm of the key: `PS256` instead of `RS256`, for example. */
  readonly algorithm?: Algorithm | undefined;
}

/** How a source of keys is read. */
export interface SourceOptions extends ReadOptions {
  /** How long a command may take, in milliseconds; 30 seconds by default. */
  readonly timeLimit?: number | undefined;
}

const READ = { password: string, kid: string, algorithm: string };
const SOURCE = { ...READ, timeLimit: span };
const WATCH = { ...SOURCE, every: span };

/**
 * A private key that signs SETs, with its algorithm and `kid`. It is validated once, when it is read or generated, and
 * never shown.
 *
 * @example
 * ```ts
 * const key = await SigningKey.fromPem(await readFile('signing-key.pem'));
 * ```
 */
export class SigningKey {
  readonly #native: NativeSigningKey;

  private constructor(key: NativeSigningKey) {
    this.#native = key;
  }

  /** Generates a key. RSA takes from a tenth of a second to seconds, on another thread. */
  static async generate(type: KeyType = 'RSA-2048'): Promise<SigningKey> {
    const at = new Place(SigningKey.generate);
    checkedArgument('type', type, string, at);
    return new SigningKey(await call((mailbox, number) => native.SigningKey.generate(mailbox, number, type), at));
  }

  /** Reads a key in PEM: PKCS#8, PKCS#1 or SEC1, encrypted or not. Other blocks, such as certificates, are skipped. */
  static async fromPem(pem: string | Uint8Array, options: ReadOptions = {}): Promise<SigningKey> {
    return SigningKey.#read('pem', pem, options, SigningKey.fromPem);
  }

  /** Reads a key in DER: PKCS#8, PKCS#1 or SEC1, encrypted (PKCS#8) or not. */
  static async fromDer(der: Uint8Array, options: ReadOptions = {}): Promise<SigningKey> {
    return SigningKey.#read('der', der, options, SigningKey.fromDer);
  }

  /** Reads a private JWK, or the one private key of a JWK Set, as an object or as JSON. */
  static async fromJwk(jwk: object | string, options: Omit<ReadOptions, 'password'> = {}): Promise<SigningKey> {
    const at = new Place(SigningKey.fromJwk);
    checked(options, { kid: string, algorithm: string }, [], at);
    return SigningKey.#readJwk(jwk, undefined, options, at);
  }

  /** Reads the key with this `kid` from a private JWK Set, as an object or as JSON. */
  static async fromJwks(jwks: object | string, kid: string): Promise<SigningKey> {
    const at = new Place(SigningKey.fromJwks);
    checkedArgument('kid', kid, string, at);
    return SigningKey.#readJwk(jwks, kid, {}, at);
  }

  /** Reads a key in any form: PEM, DER, a JWK or a JWK Set, in base64 or not. `kid` selects a key of a JWK Set. */
  static async fromAny(key: string | Uint8Array, options: ReadOptions = {}): Promise<SigningKey> {
    const at = new Place(SigningKey.fromAny);
    checked(options, READ, [], at);
    checkedArgument('key', key, bytes, at);
    const { kid, algorithm, password } = options;
    const given = { kid, algorithm, password, timeLimit: undefined };
    const read = (mailbox: NativeMailbox, number: number) =>
      native.SigningKey.readAny(mailbox, number, bytesOf(key), given);
    return new SigningKey(await call<NativeSigningKey>(read, at));
  }

  /** Reads the key in an environment variable, in any form. */
  static async fromEnv(name: string, options: ReadOptions = {}): Promise<SigningKey> {
    const at = new Place(SigningKey.fromEnv);
    checkedArgument('name', name, string, at);
    return SigningKey.#readSource(sourceOf(`env:${name}`, checked(options, READ, [], at)), at);
  }

  /** Reads the key in a file, in any form. */
  static async fromFile(path: string, options: ReadOptions = {}): Promise<SigningKey> {
    const at = new Place(SigningKey.fromFile);
    checkedArgument('path', path, string, at);
    const source = sourceOf(undefined, checked(options, READ, [], at));
    return SigningKey.#readSource({ ...source, path }, at);
  }

  /**
   * Reads the key where `source` says: `env:NAME`, `file:PATH` or a path, `dir:PATH` (the first by name),
   * `cmd:PROGRAM ARG…` (its output; no shell runs), or `stdin:`.
   *
   * @example
   * ```ts
   * const key = await SigningKey.fromSource(process.env.SSF_KEY_SOURCE ?? 'file:signing-key.pem');
   * ```
   */
  static async fromSource(source: string, options: SourceOptions = {}): Promise<SigningKey> {
    const at = new Place(SigningKey.fromSource);
    checkedArgument('source', source, string, at);
    return SigningKey.#readSource(sourceOf(source, checked(options, SOURCE, [], at)), at);
  }

  static async #readSource(source: NativeSource, at: Place): Promise<SigningKey> {
    const read = (mailbox: NativeMailbox, number: number) => native.SigningKey.readSource(mailbox, number, source);
    return new SigningKey(await call<NativeSigningKey>(read, at));
  }

  static async #read(
    form: string,
    key: string | Uint8Array,
    options: ReadOptions,
    caller: Caller,
  ): Promise<SigningKey> {
    const at = new Place(caller);
    checked(options, READ, [], at);
    checkedArgument(form, key, bytes, at);
    const { password } = options;
    const read = await call<NativeSigningKey>(
      (mailbox, number) => native.SigningKey.read(mailbox, number, form, bytesOf(key), password),
      at,
    );
    return SigningKey.#with(read, options, at);
  }

  static async #readJwk(jwk: object | string, kid: string | undefined, options: ReadOptions, at: Place) {
    checkedArgument('jwk', jwk, either(object, string), at);
    const json = typeof jwk === 'string' ? jwk : jsonText(jwk, { pointer: () => '', outer: 0 }, at);
    const read = await call<NativeSigningKey>(
      (mailbox, number) => native.SigningKey.readJwk(mailbox, number, json, kid),
      at,
    );
    return SigningKey.#with(read, options, at);
  }

  static #with(key: NativeSigningKey, { algorithm, kid }: ReadOptions, at: Place): SigningKey {
    let made = key;
    if (algorithm !== undefined) made = unwrap(made.withAlgorithm(algorithm), at);
    if (kid !== undefined) made = unwrap(made.withKid(kid), at);
    return new SigningKey(made);
  }

  /** The algorithm that it signs with. */
  get algorithm(): Algorithm {
    return this.#native.algorithm as Algorithm;
  }

  /** The key id, published in the JWKS and named in the header of SETs. */
  get kid(): string {
    return this.#native.kid;
  }

  /** The SHA-256 thumbprint (RFC 7638): the same whatever the `kid`. */
  get thumbprint(): string {
    return this.#native.thumbprint;
  }

  /** The public half, as it is published. */
  get publicJwk(): PublicJwk {
    return JSON.parse(this.#native.publicJwk());
  }

  /** The public key in PEM, for receivers that you send it to manually. */
  get publicPem(): string {
    return unwrap(this.#native.publicPem(), new Place(SigningKey));
  }

  /** The same key with another `kid`. */
  withKid(kid: string): SigningKey {
    checkedArgument('kid', kid, string, this.withKid);
    return new SigningKey(unwrap(this.#native.withKid(kid), this.withKid));
  }

  /** The same key for another of its algorithms. */
  withAlgorithm(algorithm: Algorithm): SigningKey {
    checkedArgument('algorithm', algorithm, string, this.withAlgorithm);
    return new SigningKey(unwrap(this.#native.withAlgorithm(algorithm), this.withAlgorithm));
  }

  /** The private key as a JWK. Whoever has it can sign in your name. */
  async exportPrivateJwk(): Promise<Record<string, unknown>> {
    const at = new Place(this.exportPrivateJwk);
    const json = await call<string>((mailbox, number) => this.#native.export(mailbox, number, 'jwk', undefined), at);
    return JSON.parse(json);
  }

  /** The private key in PEM (PKCS#8), encrypted if there is a password. Whoever can read it can sign in your name. */
  async exportPrivatePem(options: { readonly password?: string | undefined } = {}): Promise<string> {
    const at = new Place(this.exportPrivatePem);
    const { password } = checked(options, { password: string }, [], at);
    return call((mailbox, number) => this.#native.export(mailbox, number, 'pem', password), at);
  }

  /** Shows algorithm and `kid`. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `SigningKey { algorithm: '${this.algorithm}', kid: '${this.kid}' }`;
  }

  /** @internal */
  static handle(key: SigningKey): NativeSigningKey {
    return key.#native;
  }

  /** @internal */
  static of(key: NativeSigningKey): SigningKey {
    return new SigningKey(key);
  }
}

const KEY = either(instance(SigningKey, 'a SigningKey'), instance(Signer, 'a Signer'));

/**
 * The keys of a transmitter: one signs, all are published.
 *
 * Receivers cache the JWKS, so a key is published before it signs, and stays published until no SET signed with it is
 * pending: {@link KeySet.stage} the next key, wait, {@link KeySet.rotate}, wait, {@link KeySet.remove} the
 * retired one.
 */
export class KeySet {
  readonly #native: NativeKeySet;
  /** By `kid`. A signer stays when its key is removed, as a SET may still wait for it. */
  readonly #signers = new Map<string, Signer>();

  /** A set with one key, which signs. */
  constructor(active: SigningKey | Signer);
  /** @internal */
  constructor(watched: NativeKeySet);
  constructor(active: SigningKey | Signer | NativeKeySet) {
    if (active instanceof native.KeySet) {
      this.#native = active;
      return;
    }
    checkedArgument('active', active, KEY, KeySet);
    if (active instanceof Signer) {
      this.#native = native.KeySet.ofSigner(Signer.handle(active));
      this.#signers.set(active.kid ?? '', active);
    } else {
      this.#native = new native.KeySet(SigningKey.handle(active as SigningKey));
    }
  }

  /**
   * A set that follows a source, as {@link SigningKey.fromSource} takes it: the first key signs, the others are published
   * too.
   *
   * It reads the source now, and again when the set is used and `every` milliseconds (a minute by default) have passed;
   * nothing runs in between. A command runs in the background, while the old key signs. A key that signed and
   * disappears stays published until it is removed. If reading fails the keys stay as they are, and
   * {@link KeySet.lastError} says why.
   *
   * @example
   * ```ts
   * const keys = await KeySet.watch('dir:/var/run/secrets/ssf-keys', { every: 60_000 });
   * ```
   */
  static async watch(
    source: string,
    options: SourceOptions & { readonly every?: number | undefined } = {},
  ): Promise<KeySet> {
    const at = new Place(KeySet.watch);
    checkedArgument('source', source, string, at);
    const { every = 60_000 } = checked(options, WATCH, [], at);
    const given = sourceOf(source, options);
    const watched = await call<NativeKeySet>(
      (mailbox, number) => native.KeySet.watch(mailbox, number, given, every),
      at,
    );
    return new KeySet(watched);
  }

  /** Reads the source now, and returns whether the keys changed. */
  async refresh(): Promise<boolean> {
    return call((mailbox, number) => this.#native.refresh(mailbox, number), this.refresh);
  }

  /** The source that the set follows. */
  get source(): string | undefined {
    return this.#native.source() ?? undefined;
  }

  /** Why the last reload of the keys failed, if it did. */
  get lastError(): SsfError | undefined {
    const failure = this.#native.lastError();
    return failure === null ? undefined : failed(failure, KeySet);
  }

  /** The keys of a source that are published but do not sign: all except the first. */
  get standby(): (SigningKey | Signer)[] {
    return this.#native.standby().map((key) => this.#shown(key));
  }

  /** The key that signs now. */
  get active(): SigningKey | Signer {
    return this.#shown(this.#native.active());
  }

  /** The key that is published but does not sign yet. */
  get next(): SigningKey | Signer | undefined {
    const next = this.#native.next();
    return next === null ? undefined : this.#shown(next);
  }

  /** The keys that signed before and are still published. */
  get retired(): (SigningKey | Signer)[] {
    return this.#native.retired().map((key) => this.#shown(key));
  }

  /** The set to publish, with the content type `application/json`: active, next, standby and retired keys. */
  jwks(): Jwks {
    return JSON.parse(unwrap(this.#native.jwks(), this.jwks));
  }

  /**
   * Publishes the next key, from `now` on. It replaces a next key that was staged before. The public key of a
   * {@link Signer} must be known.
   */
  stage(next: SigningKey | Signer, options: { readonly now?: Date | undefined } = {}): void {
    checkedArgument('next', next, KEY, this.stage);
    const { now = new Date() } = checked(options, { now: date }, [], this.stage);
    if (next instanceof Signer) {
      unwrap(this.#native.stageSigner(Signer.handle(next), now.getTime()), this.stage);
      this.#signers.set(next.kid ?? '', next);
    } else {
      unwrap(this.#native.stage(SigningKey.handle(next), now.getTime()), this.stage);
    }
  }

  /**
   * Lets the next key sign, if it has been published for `publishedFor` milliseconds by `now`, and retires the active
   * one, whose `kid` it returns.
   */
  rotate(options: { readonly publishedFor: number; readonly now?: Date | undefined }): string {
    const known = { publishedFor: span, now: date };
    const { publishedFor, now = new Date() } = checked(options, known, ['publishedFor'], this.rotate);
    return unwrap(this.#native.rotate(now.getTime(), publishedFor), this.rotate);
  }

  /** Removes a next or retired key from the set. */
  remove(kid: string): void {
    checkedArgument('kid', kid, string, this.remove);
    unwrap(this.#native.remove(kid), this.remove);
  }

  /** @internal */
  static handle(keys: KeySet): NativeKeySet {
    return keys.#native;
  }

  /** Whether a function may have to sign. @internal */
  static hasSigners(keys: KeySet): boolean {
    return keys.#signers.size > 0;
  }

  /** The signer with this `kid`. @internal */
  static signer(keys: KeySet, kid: string): Signer {
    return keys.#signers.get(kid) as Signer;
  }

  #shown(key: NativeSigningKey | string): SigningKey | Signer {
    return typeof key === 'string' ? KeySet.signer(this, key) : SigningKey.of(key);
  }
}

function sourceOf(text: string | undefined, options: SourceOptions): NativeSource {
  const { kid, algorithm, password, timeLimit } = options;
  return { text, path: undefined, options: { kid, algorithm, password, timeLimit } };
}

/** Bytes as the native module takes them. */
export function bytesOf(given: string | Uint8Array): Uint8Array {
  return typeof given === 'string' ? Buffer.from(given) : given;
}

/** Published keys as JSON, from what a caller may have: a document, read or as text. */
export function jwksJson(jwks: object | string, at: Caller | Place): string {
  checkedArgument('jwks', jwks, either(object, string), at);
  return typeof jwks === 'string' ? jwks : jsonText(jwks, { pointer: () => '/jwks', outer: 0 }, at);
}
