/** The transmitter: who sends. */

import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';

import { onAbort } from './abort.js';
import { call } from './calls.js';
import { subjectJson } from './custom-subject.js';
import { type Diagnosis, diagnosisOf } from './diagnosis.js';
import { type Batch, type Emission, type EmitAllOptions, type Emitted, emitAll } from './emit-all.js';
import { errorOf, type Finding, findingsOf, Place, unwrap } from './errors.js';
import { eventJson } from './events/encode.js';
import type { SsfEvent } from './events/union.js';
import { ALGORITHM, type Algorithm, bytesOf, type Jwks, KeySet, SigningKey } from './keys.js';
import { type NativeEmitOptions, type NativeRequestLimit, type NativeTransmitter, native } from './native.js';
import {
  boolean,
  byteLists,
  bytes,
  checked,
  checkedArgument,
  date,
  either,
  func,
  instance,
  list,
  object,
  signal,
  span,
  string,
  strings,
} from './options.js';
import { type Bounds, type LintPolicy, lintPolicyOf, policyIf, policyOf } from './policy.js';
import { handleOf, Receiver } from './receiver.js';
import { Receipt, SignedSet, UnsignedSet } from './sets.js';
import { type Signer, signatureOf } from './signature.js';
import type { Subject } from './subjects.js';

/** The settings of a transmitter, but for its keys. */
export interface TransmitterSettings extends Bounds {
  /** The `iss` of its SETs: the exact `issuer` of its configuration. */
  readonly issuer: string;
  /** What becomes of findings. */
  readonly lint?: LintPolicy | undefined;
  /** CA bundles (PEM) to trust beside the certificates of the operating system. */
  readonly caBundle?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /** A client certificate with its chain, and its private key, in PEM (mutual TLS, RFC 8705). */
  readonly clientCertificate?: { readonly chain: string | Uint8Array; readonly key: string | Uint8Array } | undefined;
  /** A proxy. Without it those of the environment are used (`HTTPS_PROXY`, `NO_PROXY`). */
  readonly proxy?: string | undefined;
  /** Whether to offer HTTP/2; `true` by default. */
  readonly http2?: boolean | undefined;
  /** Networks, such as `10.1.0.0/16`, that the egress guard is opened for. */
  readonly allowNetworks?: readonly string[] | undefined;
}

/** A transmitter with keys of its own. */
export interface KeyOptions {
  /** The key that signs, or a set of keys. */
  readonly key: SigningKey | KeySet;
  readonly signer?: undefined;
  readonly algorithm?: undefined;
  readonly kid?: undefined;
}

/** A transmitter whose signatures are made elsewhere. */
export interface SignerOptions {
  /** Signs the bytes that it is given. */
  readonly signer: Signer;
  /** The algorithm that it signs with. */
  readonly algorithm: Algorithm;
  /** The `kid` under which its public key is published. */
  readonly kid?: string | undefined;
  readonly key?: undefined;
}

/** The settings of a transmitter. */
export type TransmitterOptions = TransmitterSettings & (KeyOptions | SignerOptions);

/** What can be set of a SET. */
export interface SetOptions {
  /** The receiver. */
  readonly to: Receiver;
  /** The transaction: the same value in all SETs with the same cause. */
  readonly txn?: string | undefined;
  /** The time of the event, for receivers that read `toe`. */
  readonly toe?: Date | undefined;
  /** The id of the SET, for callers that keep their own. */
  readonly jti?: string | undefined;
  /** Events that travel beside the first, for receivers that take them. */
  readonly companions?: readonly SsfEvent[] | undefined;
  /** What becomes of findings. */
  readonly lint?: LintPolicy | undefined;
}

/** What can be set of a delivery. */
export interface DeliverOptions extends Bounds {
  /** The receiver. */
  readonly to: Receiver;
  /** Abandons the delivery; the call then fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What can be set of an emit. */
export interface EmitOptions extends SetOptions, DeliverOptions {}

/** Counts of one transmitter, taken at one moment: `enqueued` is always `delivered + failed + inFlight`. */
export interface Counters {
  /** SETs that were to be sent. */
  readonly enqueued: number;
  /** SETs that receivers have taken. */
  readonly delivered: number;
  /** SETs that were not delivered, for whatever reason. */
  readonly failed: number;
  /** SETs under way. */
  readonly inFlight: number;
  /** Requests to receivers, repeats included. */
  readonly attempts: number;
  /** Of `failed`, how many by each code of the core; `abandoned` are those that were aborted. */
  readonly failures: Readonly<Record<string, number>>;
}

const RECEIVER = instance(Receiver, 'a Receiver');
const OPTIONS = {
  issuer: string,
  key: either(instance(SigningKey, 'a SigningKey'), instance(KeySet, 'a KeySet')),
  signer: func,
  algorithm: ALGORITHM,
  kid: string,
  deadline: span,
  retry: object,
  lint: object,
  caBundle: byteLists,
  clientCertificate: object,
  proxy: string,
  http2: boolean,
  allowNetworks: strings,
};
const SET = { to: RECEIVER, txn: string, toe: date, jti: string, companions: list, lint: object };
const DELIVER = { to: RECEIVER, signal, deadline: span, retry: object };
const EMIT = { ...SET, ...DELIVER };
const DOCTOR = { to: RECEIVER, signal, configurationUrl: string, send: boolean };

/**
 * Who sends: issuer, keys and one HTTP pool. Make one, share it.
 *
 * @example
 * ```ts
 * const transmitter = new Transmitter({ issuer: 'https://edr.example.com', key });
 * const receipt = await transmitter.emit(
 *   caep.sessionRevoked({ reasonAdmin: { en: 'Laptop lost' } }),
 *   { format: 'email', email: 'ada@example.com' },
 *   { to: acme },
 * );
 * ```
 */
export class Transmitter implements AsyncDisposable {
  readonly #native: NativeTransmitter;
  readonly #keys: KeySet | undefined;
  readonly #signer: Signer | undefined;
  #underWay = 0;
  #closed = false;
  #idle = () => {};
  /** The issuer. */
  readonly issuer: string;

  /**
   * Checks the settings, and makes the HTTP pool.
   *
   * @throws {ConfigError} If a setting is wrong; `pointer` names it.
   */
  constructor(options: TransmitterOptions) {
    checked(options, OPTIONS, ['issuer'], Transmitter);
    const { issuer, key, signer, algorithm, kid, caBundle = [], clientCertificate } = options;
    if ((key === undefined) === (signer === undefined)) {
      const message = 'give either a key, or a signer with its algorithm';
      throw errorOf('SSF_CONFIGURATION_INVALID', message, Transmitter, { pointer: '/key' });
    }
    if (clientCertificate !== undefined) {
      checked(clientCertificate, { chain: bytes, key: bytes }, ['chain', 'key'], Transmitter);
    }
    this.issuer = issuer;
    this.#keys = key instanceof SigningKey ? new KeySet(key) : key;
    this.#signer = signer;
    this.#native = unwrap(
      native.Transmitter.build(
        {
          issuer,
          algorithm,
          kid,
          policy: policyOf(options, Transmitter),
          lint: lintPolicyOf(options.lint, Transmitter),
          caBundles: (Array.isArray(caBundle) ? caBundle : [caBundle as string]).map(bytesOf),
          clientCertificate: clientCertificate && [bytesOf(clientCertificate.chain), bytesOf(clientCertificate.key)],
          proxy: options.proxy,
          http2: options.http2 ?? true,
          allowNetworks: [...(options.allowNetworks ?? [])],
        },
        this.#keys && KeySet.handle(this.#keys),
      ),
      Transmitter,
    );
  }

  /**
   * Sends an event: builds the SET in the receiver's dialect, signs it and delivers it, trying again as
   * `docs/delivery.md` tells. Signing does not hold up the event loop.
   *
   * @throws {ValidationError} If event, subject or SET break a rule; `pointer` is the place.
   * @throws {SigningError} If the signer fails.
   * @throws {TokenError} If no access token can be had.
   * @throws {DeliveryError} If the SET was not delivered; `retryable` tells whether to try later.
   */
  emit(event: SsfEvent, subject: Subject, options: EmitOptions): Promise<Receipt> {
    return this.#emit(event, subject, options, new Place(this.emit));
  }

  /**
   * Sends many events, with a bound on how many requests are on the wire at once. Results come in the order in which
   * they are done; events are taken from `emissions` only as there is room. Leaving the loop abandons what is under way.
   *
   * @example
   * ```ts
   * for await (const { index, receipt, error } of transmitter.emitAll(emissions, { concurrency: 64 })) {
   *   if (error !== undefined) console.error(index, error);
   * }
   * ```
   */
  emitAll<E extends Emission>(
    emissions: Iterable<E> | AsyncIterable<E>,
    options: EmitAllOptions = {},
  ): AsyncGenerator<Emitted<E>, void, undefined> {
    const at = new Place(this.emitAll);
    const send: Batch<E> = ({ event, subject, ...rest }, limit, signal) =>
      this.#emit(event, subject, { ...rest, signal }, at, limit);
    return emitAll(emissions, options, send, at);
  }

  /** An emit without its delivery: a SET for this receiver, signed off the event loop. Nothing is sent. */
  async sign(event: SsfEvent, subject: Subject, options: SetOptions): Promise<SignedSet> {
    const at = new Place(this.sign);
    checked(options, SET, ['to'], at);
    if (this.#signer !== undefined) {
      return this.#signBy(
        this.#signer,
        this.#prepare(event, subject, options, at),
        this.#native.deadline,
        undefined,
        at,
      );
    }
    const [json, privateFormats] = subjectJson(subject, at);
    const text = eventJson(event, at);
    const to = handleOf(options.to, at);
    const native = nativeOptions(options, at);
    return SignedSet.of(
      await call((mailbox, number) => this.#native.sign(mailbox, number, text, json, privateFormats, to, native), at),
    );
  }

  /** The first step of an emit: a SET for this receiver, complete but for its signature. Nothing is sent. */
  prepare(event: SsfEvent, subject: Subject, options: SetOptions): UnsignedSet {
    checked(options, SET, ['to'], this.prepare);
    return this.#prepare(event, subject, options, this.prepare);
  }

  /** Attaches a signature that something else made. The same as {@link UnsignedSet.attach}. */
  attach(set: UnsignedSet, signature: Parameters<UnsignedSet['attach']>[0]): SignedSet {
    checkedArgument('set', set, instance(UnsignedSet, 'an UnsignedSet'), this.attach);
    return set.attach(signature);
  }

  /** The last step of an emit: delivers a signed SET. */
  deliver(set: SignedSet, options: DeliverOptions): Promise<Receipt> {
    return this.#checkedDeliver(set, options, new Place(this.deliver));
  }

  /** What would be found in the SET of an emit. Nothing is sent. */
  lint(event: SsfEvent, subject: Subject, options: { readonly to: Receiver }): Finding[] {
    const { to } = checked(options, { to: RECEIVER }, ['to'], this.lint);
    const [json, privateFormats] = subjectJson(subject, this.lint);
    const found = this.#native.lint(eventJson(event, this.lint), json, privateFormats, handleOf(to, this.lint));
    return findingsOf(unwrap(found, this.lint));
  }

  /**
   * Checks this transmitter and a receiver end to end, in less than ten seconds: the documents that are published, the
   * key in them, TLS, clock, token, and a SET with this event and subject. Nothing is sent to the receiver unless `send`
   * asks for it.
   */
  async doctor(
    event: SsfEvent,
    subject: Subject,
    options: {
      readonly to: Receiver;
      /** Where the transmitter configuration is, if it is not where the issuer says. */
      readonly configurationUrl?: string | undefined;
      /** Send the event too: the receiver gets a real SET. */
      readonly send?: boolean | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<Diagnosis> {
    const at = new Place(this.doctor);
    const { to, configurationUrl, send = false, signal } = checked(options, DOCTOR, ['to'], at);
    const bySigner = send && this.#signer !== undefined;
    const signed = bySigner ? SignedSet.handle(await this.sign(event, subject, { to })) : undefined;
    const [subjectText, privateFormats] = subjectJson(subject, at);
    const [eventText, receiver] = [eventJson(event, at), handleOf(to, at)];
    const checks = await call<Diagnosis['checks']>(
      (mailbox, number) =>
        this.#native.doctor(
          mailbox,
          number,
          eventText,
          subjectText,
          privateFormats,
          receiver,
          configurationUrl,
          send,
          signed,
        ),
      at,
      signal,
    );
    return diagnosisOf(checks);
  }

  /** The keys to publish; serve them with the content type `application/json`. None where a signer is elsewhere. */
  jwks(): Jwks {
    return this.#keys?.jwks() ?? { keys: [] };
  }

  /** What became of everything that this transmitter was to send. */
  get counters(): Counters {
    return this.#native.counters();
  }

  /** Takes nothing more, and waits until all that is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#underWay === 0) return;
    await new Promise<void>((resolve) => {
      const before = this.#idle;
      this.#idle = () => {
        before();
        resolve();
      };
    });
  }

  /** {@link Transmitter.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #emit(
    event: SsfEvent,
    subject: Subject,
    options: EmitOptions,
    at: Place,
    limit?: NativeRequestLimit,
  ): Promise<Receipt> {
    this.#begin(at);
    try {
      checked(options, EMIT, ['to'], at);
      if (this.#signer !== undefined) {
        return await this.#emitSigned(this.#signer, event, subject, options, at, limit);
      }
      const [json, privateFormats] = subjectJson(subject, at);
      const text = eventJson(event, at);
      const to = handleOf(options.to, at);
      const native = nativeOptions(options, at, limit);
      return Receipt.of(
        await call(
          (mailbox, number) => this.#native.emit(mailbox, number, text, json, privateFormats, to, native),
          at,
          options.signal,
        ),
      );
    } finally {
      this.#end();
    }
  }

  /** The steps of an emit, with a signer in between, all within one deadline. */
  async #emitSigned(
    signer: Signer,
    event: SsfEvent,
    subject: Subject,
    options: EmitOptions,
    at: Place,
    limit?: NativeRequestLimit,
  ): Promise<Receipt> {
    const { to, signal, retry, deadline = this.#native.deadline } = options;
    const began = performance.now();
    const unsigned = this.#prepare(event, subject, options, at);
    const set = await this.#signBy(signer, unsigned, deadline, signal, at);
    const left = Math.max(0, deadline - (performance.now() - began));
    return this.#deliver(set, { to, signal, retry, deadline: left }, at, limit);
  }

  async #signBy(
    signer: Signer,
    unsigned: UnsignedSet,
    deadline: number,
    signal: AbortSignal | undefined,
    at: Place,
  ): Promise<SignedSet> {
    const signature = await signed(signer, unsigned.signingInput, deadline, signal, at);
    const [bytes, der] = signatureOf(signature, at);
    return SignedSet.of(unwrap(UnsignedSet.handle(unsigned).attach(bytes, der), at));
  }

  #prepare(event: SsfEvent, subject: Subject, options: SetOptions, at: Parameters<typeof unwrap>[1]): UnsignedSet {
    const [json, privateFormats] = subjectJson(subject, at);
    const to = handleOf(options.to, at);
    const native = nativeOptions(options, at);
    return UnsignedSet.of(unwrap(this.#native.prepare(eventJson(event, at), json, privateFormats, to, native), at));
  }

  async #checkedDeliver(set: SignedSet, options: DeliverOptions, at: Place): Promise<Receipt> {
    this.#begin(at);
    try {
      checkedArgument('set', set, instance(SignedSet, 'a SignedSet'), at);
      checked(options, DELIVER, ['to'], at);
      return await this.#deliver(set, options, at);
    } finally {
      this.#end();
    }
  }

  async #deliver(set: SignedSet, options: DeliverOptions, at: Place, limit?: NativeRequestLimit): Promise<Receipt> {
    const handle = SignedSet.handle(set);
    const to = handleOf(options.to, at);
    const policy = policyIf(options, at);
    return Receipt.of(
      await call(
        (mailbox, number) => this.#native.deliver(mailbox, number, handle, to, policy, limit),
        at,
        options.signal,
      ),
    );
  }

  /** Counts what is under way. */
  #begin(at: Place): void {
    if (this.#closed) throw errorOf('SSF_CONFIGURATION_INVALID', 'the transmitter is closed', at);
    this.#underWay++;
  }

  #end(): void {
    this.#underWay--;
    if (this.#underWay === 0) this.#idle();
  }
}

function nativeOptions(
  options: SetOptions & Bounds,
  at: Parameters<typeof unwrap>[1],
  limit?: NativeRequestLimit,
): NativeEmitOptions | undefined {
  const { txn, toe, jti, companions } = options;
  const policy = policyIf(options, at);
  const lint = lintPolicyOf(options.lint, at);
  // The plain emit crosses without an object.
  if ((txn ?? toe ?? jti ?? companions ?? policy ?? lint ?? limit) === undefined) return undefined;
  return {
    txn,
    toe: toe?.getTime(),
    jti,
    companions: companions?.map((one) => eventJson(one, at)),
    policy,
    lint,
    limit,
  };
}

/** What a signer gives, if it gives it in time. */
async function signed(
  signer: Signer,
  input: Uint8Array,
  deadline: number,
  signal: AbortSignal | undefined,
  at: Place,
): Promise<unknown> {
  if (signal?.aborted) throw signal.reason;
  let release = () => {};
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<never>((_, reject) => {
    if (signal !== undefined) release = onAbort(signal, () => reject(signal.reason));
    const late = () => reject(errorOf('SSF_DEADLINE_EXCEEDED', 'the deadline passed in a wait for a signature', at));
    timer = setTimeout(late, Math.min(deadline, 2 ** 31 - 1));
  });
  const work = (async () => {
    try {
      return await signer(input);
    } catch (cause) {
      throw errorOf('SSF_SIGNER_FAILED', 'the signer failed', at, { cause });
    }
  })();
  try {
    return await Promise.race([work, ended]);
  } finally {
    clearTimeout(timer);
    release();
  }
}
