/** The transmitter. */

import { call } from './calls.js';
import { Config } from './config.js';
import { subjectJson } from './custom-subject.js';
import { type Check, type Diagnosis, diagnosisOf } from './diagnosis.js';
import { type Batch, type Emission, type EmitAllOptions, type Emitted, emitAll } from './emit-all.js';
import { codeNamed, type Finding, findingsOf, Place, unwrap } from './errors.js';
import { eventJson } from './events/encode.js';
import type { SsfEvent } from './events/union.js';
import { type Jwks, KeySet, SigningKey } from './keys.js';
import { writtenEvent, writtenSubject } from './lint.js';
import {
  type NativeEmitOptions,
  type NativeExamination,
  type NativeKeySet,
  type NativeRequestLimit,
  type NativeTransmitter,
  native,
} from './native.js';
import { NETWORK, type NetworkOptions, networkOf } from './network.js';
import { OktaProviders } from './okta.js';
import {
  boolean,
  checked,
  checkedArgument,
  date,
  either,
  instance,
  list,
  object,
  signal,
  span,
  string,
} from './options.js';
import { type Bounds, type LintPolicy, lintPolicyOf, policyIf, policyOf } from './policy.js';
import { handleOf, Receiver } from './receiver.js';
import { Receipt, SignedSet, UnsignedSet } from './sets.js';
import { Signer } from './signer.js';
import { delivered, finished, signed } from './signing.js';
import type { Subject } from './subjects.js';

/** The settings of a transmitter. */
export interface TransmitterOptions extends Bounds, NetworkOptions {
  /** The `iss` of its SETs: the exact `issuer` of its configuration. */
  readonly issuer: string;
  /** The key that signs: in this process, a {@link Signer} for one elsewhere, or a set of either kind. */
  readonly key: SigningKey | Signer | KeySet;
  /** How findings are handled. */
  readonly lint?: LintPolicy | undefined;
}

/** The settings of a SET. */
export interface SetOptions {
  /** The receiver. */
  readonly to: Receiver;
  /** The transaction: the same value in all SETs with the same cause. */
  readonly txn?: string | undefined;
  /** The time of the event, for receivers that read `toe`. */
  readonly toe?: Date | undefined;
  /** The id of the SET, for callers that keep their own. */
  readonly jti?: string | undefined;
  /** Additional events in the same SET, for receivers that accept them. */
  readonly companions?: readonly SsfEvent[] | undefined;
  /** How findings are handled. */
  readonly lint?: LintPolicy | undefined;
}

/** The settings of a delivery. */
export interface DeliverOptions extends Bounds {
  /** The receiver. */
  readonly to: Receiver;
  /** Aborts the delivery; the call then fails with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

/** The settings of an emit. */
export interface EmitOptions extends SetOptions, DeliverOptions {}

/**
 * The counters of one transmitter at one moment: `enqueued` is always `delivered + failed + inFlight`.
 *
 * Each `emit`, each `deliver`, and each emission that `emitAll` takes counts once when it begins and once when it ends,
 * whatever ends it: an answer, an invalid event, lint, a signer that fails, a deadline. A call with a wrong argument, or on
 * a closed transmitter, does not begin. Preparing, signing and linting send nothing and count nothing.
 */
export interface Counters {
  /** SETs enqueued. */
  readonly enqueued: number;
  /** SETs that receivers accepted. */
  readonly delivered: number;
  /** SETs that were not delivered, for any reason. */
  readonly failed: number;
  /** Pending SETs, including those that wait for a signature. */
  readonly inFlight: number;
  /** Requests to receivers, repeats included. */
  readonly attempts: number;
  /** Of `failed`, how many by each `code` of their errors; `abandoned` are those that were aborted. */
  readonly failures: Readonly<Record<string, number>>;
}

const RECEIVER = instance(Receiver, 'a Receiver');
const OPTIONS = {
  issuer: string,
  key: either(either(instance(SigningKey, 'a SigningKey'), instance(Signer, 'a Signer')), instance(KeySet, 'a KeySet')),
  deadline: span,
  retry: object,
  lint: object,
  ...NETWORK,
};
const SET = { to: RECEIVER, txn: string, toe: date, jti: string, companions: list, lint: object };
const DELIVER = { to: RECEIVER, signal, deadline: span, retry: object };
const EMIT = { ...SET, ...DELIVER };
const PROVIDERS = instance(OktaProviders, 'an OktaProviders');
const DOCTOR = { to: RECEIVER, signal, configurationUrl: string, send: boolean, confirm: PROVIDERS };

/** A transmitter that was made from a file. @internal */
class Made {
  constructor(
    readonly native: NativeTransmitter,
    readonly keys: KeySet,
    readonly issuer: string,
  ) {}
}

/**
 * Sends SETs for one issuer. Create one, and share it.
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
  readonly #keys: KeySet;
  /** The issuer. */
  readonly issuer: string;

  /**
   * Checks the settings, and makes the HTTP pool.
   *
   * @throws {ConfigError} If a setting is wrong; `pointer` names it.
   */
  constructor(options: TransmitterOptions);
  /** @internal */
  constructor(made: Made);
  constructor(options: TransmitterOptions | Made) {
    if (options instanceof Made) {
      this.issuer = options.issuer;
      this.#keys = options.keys;
      this.#native = options.native;
      return;
    }
    checked(options, OPTIONS, ['issuer', 'key'], Transmitter);
    const { issuer, key } = options;
    this.issuer = issuer;
    this.#keys = key instanceof KeySet ? key : new KeySet(key);
    this.#native = unwrap(
      native.Transmitter.build(
        {
          issuer,
          policy: policyOf(options, Transmitter),
          lint: lintPolicyOf(options.lint, Transmitter),
          network: networkOf(options, Transmitter),
        },
        KeySet.handle(this.#keys),
      ),
      Transmitter,
    );
  }

  /**
   * Makes the transmitter that a file of settings describes. Its key follows its source, as with {@link KeySet.watch}.
   *
   * @example
   * ```ts
   * const transmitter = await Transmitter.fromConfig(await Config.read('ssf.toml'));
   * ```
   *
   * @throws {ConfigError} If the file has no issuer or no key, or names a file that cannot be read.
   * @throws {KeyMaterialError} If the key cannot be read.
   */
  static async fromConfig(config: Config): Promise<Transmitter> {
    const at = new Place(Transmitter.fromConfig);
    checkedArgument('config', config, instance(Config, 'a Config'), at);
    const file = Config.handle(config);
    const keys = await call<NativeKeySet>((...to) => file.keys(...to), at);
    const made = await call<NativeTransmitter>((...to) => file.transmitter(...to, keys), at);
    return new Transmitter(new Made(made, new KeySet(keys), config.issuer ?? ''));
  }

  /**
   * Sends an event: builds the SET in the receiver's dialect, signs it and delivers it with retries:
   * see `docs/delivery.md`. Signing does not block the event loop.
   *
   * The subject may be `undefined` if the event contains it, as in the examples of some receivers.
   *
   * @throws {ValidationError} If event, subject or SET violate a rule; `pointer` is the place.
   * @throws {SigningError} If the signer fails.
   * @throws {TokenError} If no access token is granted.
   * @throws {DeliveryError} If the SET was not delivered; `retryable` says whether to retry later.
   */
  emit(event: SsfEvent, subject: Subject | undefined, options: EmitOptions): Promise<Receipt> {
    return this.#emit(event, subject, options, new Place(this.emit));
  }

  /**
   * Sends many events, with a limit on concurrent requests. Results arrive in the order of
   * completion; events are taken from `emissions` only as there is room. Leaving the loop abandons pending calls.
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

  /** Builds and signs a SET for this receiver, off the event loop. Sends nothing. */
  async sign(event: SsfEvent, subject: Subject | undefined, options: SetOptions): Promise<SignedSet> {
    const at = new Place(this.sign);
    checked(options, SET, ['to'], at);
    if (KeySet.hasSigners(this.#keys)) {
      const unsigned = UnsignedSet.handle(this.#prepare(event, subject, options, at));
      const { signer: kid, signingInput, digest } = unsigned;
      if (kid !== null) {
        const request = { kid, signingInput, digest, timeLeft: this.#native.deadline };
        return SignedSet.of(unwrap(unsigned.attach(...(await signed(this.#keys, request, undefined, at))), at));
      }
    }
    const [json, privateFormats] = subjectJson(subject, at);
    const text = eventJson(event, at);
    const to = handleOf(options.to, at);
    const native = nativeOptions(options, at);
    return SignedSet.of(
      await call((mailbox, number) => this.#native.sign(mailbox, number, text, json, privateFormats, to, native), at),
    );
  }

  /** The first step of an emit: an unsigned SET for this receiver. Sends nothing. */
  prepare(event: SsfEvent, subject: Subject | undefined, options: SetOptions): UnsignedSet {
    checked(options, SET, ['to'], this.prepare);
    return this.#prepare(event, subject, options, this.prepare);
  }

  /** Attaches an external signature. The same as {@link UnsignedSet.attach}. */
  attach(set: UnsignedSet, signature: Parameters<UnsignedSet['attach']>[0]): SignedSet {
    checkedArgument('set', set, instance(UnsignedSet, 'an UnsignedSet'), this.attach);
    return set.attach(signature);
  }

  /** The last step of an emit: delivers a signed SET. */
  deliver(set: SignedSet, options: DeliverOptions): Promise<Receipt> {
    return this.#deliver(set, options, new Place(this.deliver));
  }

  /** Lints the SET of an emit. Sends nothing. */
  lint(event: SsfEvent, subject: Subject | undefined, options: { readonly to: Receiver }): Finding[] {
    const { to } = checked(options, { to: RECEIVER }, ['to'], this.lint);
    const [about, privateFormats] = writtenSubject(subject, this.lint);
    const written = writtenEvent(event, this.lint);
    return findingsOf(this.#native.lint(written, about, privateFormats, handleOf(to, this.lint)));
  }

  /**
   * Checks this transmitter and a receiver end to end, in less than ten seconds: the published documents, the
   * key in them, TLS, clock, token, and a SET with this event and subject. Sends nothing to the receiver unless `send`
   * is set.
   */
  async doctor(
    event: SsfEvent,
    subject: Subject | undefined,
    options: {
      readonly to: Receiver;
      /** The URL of the transmitter configuration, if it is not the default for the issuer. */
      readonly configurationUrl?: string | undefined;
      /** Also send the event: the receiver gets a real SET. */
      readonly send?: boolean | undefined;
      /**
       * The org whose System Log is searched for the SET, once it is sent: the check `okta-log`. That takes no longer
       * than a method of it may, beyond the ten seconds.
       */
      readonly confirm?: OktaProviders | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<Diagnosis> {
    const at = new Place(this.doctor);
    const { to, configurationUrl, send = false, confirm, signal } = checked(options, DOCTOR, ['to'], at);
    const [about, privateFormats] = writtenSubject(subject, at);
    const [written, receiver] = [writtenEvent(event, at), handleOf(to, at)];
    const log = confirm && OktaProviders.handle(confirm);
    const wait = KeySet.hasSigners(this.#keys);
    const examined = await call<NativeExamination | Check[]>(
      (mailbox, number) =>
        this.#native.doctor(
          mailbox,
          number,
          written,
          about,
          privateFormats,
          receiver,
          configurationUrl,
          send,
          log,
          wait,
        ),
      at,
      signal,
    );
    return diagnosisOf(Array.isArray(examined) ? examined : await finished(this.#keys, examined, signal, at));
  }

  /**
   * The keys to publish; serve them with the content type `application/json`.
   *
   * @throws {ConfigError} If the public key of a signer is unknown, with the code `SSF_SIGNER_PUBLIC_KEY_MISSING`:
   * with an empty set, receivers could verify nothing.
   */
  jwks(): Jwks {
    return JSON.parse(unwrap(this.#native.jwks(), this.jwks));
  }

  /** The counters of this transmitter. */
  get counters(): Counters {
    const { failures, ...counters } = this.#native.counters();
    return {
      ...counters,
      failures: Object.fromEntries(Object.entries(failures).map(([name, count]) => [codeNamed(name), count])),
    };
  }

  /**
   * Rejects new work with the code `SSF_TRANSMITTER_CLOSED`, and waits for pending calls, each within its deadline;
   * then the connections are closed. Closing twice is harmless. Methods without network access still work.
   *
   * Without it the process stays alive as long as a result is waited for, and `process.exit` abandons pending calls.
   */
  async close(): Promise<void> {
    const at = new Place(this.close);
    await call((mailbox, number) => this.#native.close(mailbox, number), at);
  }

  /** {@link Transmitter.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The native transmitter, and the keys whose signers are functions. @internal */
  static handle(transmitter: Transmitter): readonly [native: NativeTransmitter, keys: KeySet] {
    return [transmitter.#native, transmitter.#keys];
  }

  async #emit(
    event: SsfEvent,
    subject: Subject | undefined,
    options: EmitOptions,
    at: Place,
    limit?: NativeRequestLimit,
  ): Promise<Receipt> {
    checked(options, EMIT, ['to'], at);
    const [json, privateFormats] = subjectJson(subject, at);
    const text = eventJson(event, at);
    const to = handleOf(options.to, at);
    const native = nativeOptions(options, at, limit);
    const { signal } = options;
    if (KeySet.hasSigners(this.#keys)) {
      if (signal?.aborted) throw signal.reason;
      const pending = unwrap(this.#native.begin(text, json, privateFormats, to, native), at);
      return Receipt.of(await delivered(this.#keys, pending, signal, at));
    }
    return Receipt.of(
      await call(
        (mailbox, number) => this.#native.emit(mailbox, number, text, json, privateFormats, to, native),
        at,
        signal,
      ),
    );
  }

  #prepare(
    event: SsfEvent,
    subject: Subject | undefined,
    options: SetOptions,
    at: Parameters<typeof unwrap>[1],
  ): UnsignedSet {
    const [json, privateFormats] = subjectJson(subject, at);
    const to = handleOf(options.to, at);
    const native = nativeOptions(options, at);
    return UnsignedSet.of(unwrap(this.#native.prepare(eventJson(event, at), json, privateFormats, to, native), at));
  }

  async #deliver(set: SignedSet, options: DeliverOptions, at: Place): Promise<Receipt> {
    checkedArgument('set', set, instance(SignedSet, 'a SignedSet'), at);
    checked(options, DELIVER, ['to'], at);
    const handle = SignedSet.handle(set);
    const to = handleOf(options.to, at);
    const policy = policyIf(options, at);
    return Receipt.of(
      await call(
        (mailbox, number) => this.#native.deliver(mailbox, number, handle, to, policy, undefined),
        at,
        options.signal,
      ),
    );
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
