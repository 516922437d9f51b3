/** Security Event Tokens (RFC 8417): prepared, signed, taken apart; and receipts. */

import { ALGORITHM, type Algorithm } from './algorithm.js';
import { call } from './calls.js';
import { subjectJson } from './custom-subject.js';
import { type Finding, findingsOf, Place, unwrap } from './errors.js';
import { eventJson } from './events/encode.js';
import type { SsfEvent } from './events/union.js';
import { jsonText } from './json.js';
import { type Jwks, jwksJson, type PublicJwk, SigningKey } from './keys.js';
import {
  type NativeDecodedSet,
  type NativeReceipt,
  type NativeSigned,
  type NativeSignedSet,
  type NativeUnsignedSet,
  native,
} from './native.js';
import type { ReceiptNote } from './notes.js';
import { audience, checked, checkedArgument, date, instance, list, object, string } from './options.js';
import { type LintPolicy, lintPolicyOf } from './policy.js';
import { DIALECT, Dialect, type DialectId } from './receiver.js';
import { type Signature, signatureOf } from './signature.js';
import type { Subject } from './subjects.js';

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * An unsigned SET whose `jti`, `iat` and header are fixed. It cannot be sent.
 */
export class UnsignedSet {
  readonly #native: NativeUnsignedSet;

  private constructor(set: NativeUnsignedSet) {
    this.#native = set;
  }

  /** The bytes to sign: header and claims, encoded (RFC 7515 §5.1). */
  get signingInput(): Uint8Array {
    return this.#native.signingInput;
  }

  /** The digest of the bytes to sign, for key services that sign digests; `undefined` for Ed25519. */
  get digest(): Uint8Array | undefined {
    return this.#native.digest ?? undefined;
  }

  /** The algorithm that the header names. */
  get algorithm(): Algorithm {
    return this.#native.algorithm as Algorithm;
  }

  /** The id of the SET. */
  get jti(): string {
    return this.#native.jti;
  }

  /** The reported findings. */
  get findings(): Finding[] {
    return findingsOf(this.#native.findings);
  }

  /** Header and claims, for inspection. */
  decode(): DecodedSet {
    return DecodedSet.of(unwrap(this.#native.decode(), this.decode));
  }

  /** Attaches a signature over {@link UnsignedSet.signingInput}. Its form and length are checked. */
  attach(signature: Signature): SignedSet {
    const [bytes, der] = signatureOf(signature, this.attach);
    return SignedSet.of(unwrap(this.#native.attach(bytes, der), this.attach));
  }

  /** Signs with a key of this process, on another thread. */
  async sign(key: SigningKey): Promise<SignedSet> {
    const at = new Place(this.sign);
    checkedArgument('key', key, instance(SigningKey, 'a SigningKey'), at);
    const handle = SigningKey.handle(key);
    return SignedSet.of(await call((mailbox, number) => this.#native.sign(mailbox, number, handle), at));
  }

  /** Shows the `jti`. */
  [INSPECT](): string {
    return `UnsignedSet { jti: '${this.jti}', algorithm: '${this.algorithm}' }`;
  }

  /** @internal */
  static of(set: NativeUnsignedSet): UnsignedSet {
    return new UnsignedSet(set);
  }

  /** @internal */
  static handle(set: UnsignedSet): NativeUnsignedSet {
    return set.#native;
  }
}

/** A signed SET in compact form. Its bytes are the same for every delivery. */
export class SignedSet {
  /** For most SETs only the text is transferred, and parsed on demand. */
  #native: NativeSigned;

  private constructor(set: NativeSigned) {
    this.#native = set;
  }

  /** Reads a SET signed by other software. Checks its structure, not its signature. */
  static parse(compact: string): SignedSet {
    checkedArgument('compact', compact, string, SignedSet.parse);
    return new SignedSet(unwrap(native.SignedSet.parse(compact), SignedSet.parse));
  }

  /** The id of the SET. */
  get jti(): string {
    return SignedSet.handle(this).jti;
  }

  /** The id of its event, such as `caep.session-revoked`, or its URI. Of several events, the first. */
  get event(): string {
    return SignedSet.handle(this).event;
  }

  /** The reported findings from its preparation. */
  get findings(): Finding[] {
    return typeof this.#native === 'string' ? [] : findingsOf(this.#native.findings);
  }

  /** Header and claims, for inspection. */
  decode(): DecodedSet {
    return DecodedSet.of(unwrap(SignedSet.handle(this).decode(), this.decode));
  }

  /** The SET in compact form: the body of a push request. */
  toString(): string {
    return typeof this.#native === 'string' ? this.#native : this.#native.compact;
  }

  /** The SET in compact form. */
  toJSON(): string {
    return this.toString();
  }

  /** Shows the `jti`. */
  [INSPECT](): string {
    return `SignedSet { jti: '${this.jti}', event: '${this.event}' }`;
  }

  /** @internal */
  static of(set: NativeSigned): SignedSet {
    return new SignedSet(set);
  }

  /** @internal */
  static handle(set: SignedSet): NativeSignedSet {
    if (typeof set.#native === 'string') {
      set.#native = unwrap(native.SignedSet.parse(set.#native), SignedSet.handle);
    }
    return set.#native;
  }
}

/** A decoded SET. Decoding does not verify the signature; {@link DecodedSet.verify} does. */
export class DecodedSet {
  readonly #native: NativeDecodedSet;
  /** The JOSE header. */
  readonly header: Readonly<Record<string, unknown>>;
  /** The claims. */
  readonly claims: Readonly<Record<string, unknown>>;

  private constructor(set: NativeDecodedSet) {
    this.#native = set;
    this.header = JSON.parse(set.header());
    this.claims = JSON.parse(set.claims());
  }

  /** Decodes a compact SET. Does not check the signature. */
  static parse(compact: string): DecodedSet {
    checkedArgument('compact', compact, string, DecodedSet.parse);
    return new DecodedSet(unwrap(native.DecodedSet.parse(compact), DecodedSet.parse));
  }

  /**
   * Verifies the signature with the key of the set that the header's `kid` names, or, without `kid`, with any matching
   * key. Returns that key. `alg: none`, symmetric algorithms and any `typ` other than `secevent+jwt` are rejected.
   */
  async verify(jwks: Jwks | object | string): Promise<PublicJwk> {
    const at = new Place(this.verify);
    const json = jwksJson(jwks, at);
    return JSON.parse(await call<string>((mailbox, number) => this.#native.verify(mailbox, number, json), at));
  }

  /** Shows the header. */
  [INSPECT](): string {
    return `DecodedSet { header: ${JSON.stringify(this.header)} }`;
  }

  /** @internal */
  static of(set: NativeDecodedSet): DecodedSet {
    return new DecodedSet(set);
  }
}

/** Confirms that a receiver accepted a SET. It does not say whether the receiver processed it (RFC 8935 §2.2). */
export class Receipt {
  /** The id of the SET. */
  readonly jti: string;
  /** The HTTP status of the answer. */
  readonly status: number;
  /** How often the SET was sent. */
  readonly attempts: number;
  /** Whether the status is the one that the receiver documents. */
  readonly isExpected: boolean;
  /**
   * Anything unusual about the answer, such as `already_received` or `body_broken`. A note is about the answer, a
   * finding about the SET; neither changes that it is delivered.
   */
  readonly notes: readonly ReceiptNote[];
  /** When the answer arrived, by the local clock. */
  readonly answeredAt: Date;
  readonly #set: NativeSigned;

  private constructor([jti, status, attempts, expected, set, answeredAt, notes = []]: NativeReceipt) {
    this.jti = jti;
    this.status = status;
    this.attempts = attempts;
    this.isExpected = expected;
    this.notes = notes;
    this.answeredAt = new Date(answeredAt);
    this.#set = set;
  }

  /** The SET as it was sent. */
  get set(): SignedSet {
    return SignedSet.of(this.#set);
  }

  /** The reported findings: by default, warnings. */
  get findings(): Finding[] {
    return this.set.findings;
  }

  /** @internal */
  static of(receipt: NativeReceipt): Receipt {
    return new Receipt(receipt);
  }
}

/** The parts of a SET. */
export interface SetParts {
  /** The exact `issuer` of the transmitter configuration. */
  readonly issuer: string;
  /** The audience. */
  readonly audience: string | readonly string[];
  /** The event, or several if the dialect accepts them. */
  readonly events: readonly SsfEvent[];
  /** The subject. */
  readonly subject?: Subject | undefined;
  /** The dialect; `ssf-1.0` by default. */
  readonly dialect?: Dialect | DialectId | undefined;
  /** The algorithm that will sign. */
  readonly algorithm: Algorithm;
  /** The `kid` under which the public key is published. */
  readonly kid?: string | undefined;
  /** The transaction: the same value in all SETs with the same cause. */
  readonly txn?: string | undefined;
  /** The time of the event (RFC 8417 §2.2). */
  readonly toe?: Date | undefined;
  /** The id of the SET; random by default. */
  readonly jti?: string | undefined;
  /** The time of issue, in whole seconds; the current time by default. */
  readonly issuedAt?: Date | undefined;
  /** Additional claims, such as `nbf`. A value that JSON cannot represent is rejected with its place. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** How findings are handled. */
  readonly lint?: LintPolicy | undefined;
}

const PARTS = {
  issuer: string,
  audience,
  events: list,
  subject: object,
  dialect: DIALECT,
  algorithm: ALGORITHM,
  kid: string,
  txn: string,
  toe: date,
  jti: string,
  issuedAt: date,
  claims: object,
  lint: object,
};

/** An unsigned SET from all its parts, without a transmitter. */
export function prepareSet(parts: SetParts): UnsignedSet {
  const at = prepareSet;
  checked(parts, PARTS, ['issuer', 'audience', 'events', 'algorithm'], at);
  const { audience, subject, claims } = parts;
  const [json, privateFormats] = subject === undefined ? [undefined, false] : subjectJson(subject, at);
  const prepared = native.prepareSet(
    {
      issuer: parts.issuer,
      audience: typeof audience === 'string' ? audience : [...audience],
      events: parts.events.map((event) => eventJson(event, at)),
      subject: json,
      private: privateFormats,
      txn: parts.txn,
      toe: parts.toe?.getTime(),
      jti: parts.jti,
      issuedAt: parts.issuedAt?.getTime(),
      claims: claims && jsonText(claims, { pointer: () => '', outer: 0 }, at),
      algorithm: parts.algorithm,
      kid: parts.kid,
      lint: lintPolicyOf(parts.lint, at),
    },
    Dialect.handle(parts.dialect, at),
  );
  return UnsignedSet.of(unwrap(prepared, at));
}
