/** The native module, and what it offers. It is private: nothing here is API. */

import { load } from './loader.js';
import type { ReceiptNote } from './notes.js';

export interface NativeFailure {
  readonly isFailure: true;
  readonly code: string;
  readonly message: string;
  readonly pointer?: string;
  readonly status?: number;
  readonly retryAfter?: number;
  readonly receiverError?: string;
  readonly receiverDescription?: string;
  readonly causes: string[];
  readonly findings: NativeFinding[];
}

export interface NativeFinding {
  readonly rule: string;
  readonly severity: string;
  readonly effect: string;
  readonly code: string;
  readonly pointer: string;
  readonly message: string;
  readonly remedy: string;
  readonly source: string;
}

/** What a native function returns: a value, or what went wrong. */
export type Outcome<T> = T | NativeFailure;

export interface NativeMailbox {
  take(): unknown[];
  abort(number: number): void;
}

export interface NativeSigningKey {
  readonly algorithm: string;
  readonly kid: string;
  readonly thumbprint: string;
  withKid(kid: string): Outcome<NativeSigningKey>;
  withAlgorithm(algorithm: string): Outcome<NativeSigningKey>;
  publicJwk(): string;
  publicPem(): Outcome<string>;
  export(mailbox: NativeMailbox, number: number, form: string, password: string | undefined): Outcome<void>;
}

export interface NativeSourceOptions {
  kid: string | undefined;
  algorithm: string | undefined;
  password: string | undefined;
  timeLimit: number | undefined;
}

/** A source: the text of one, or the path of a file. */
export interface NativeSource {
  text: string | undefined;
  path: string | undefined;
  options: NativeSourceOptions;
}

export interface NativeSigner {
  readonly kid: string | null;
  publicJwk(): string | null;
}

export interface NativeKeySet {
  active(): NativeSigningKey | string;
  next(): NativeSigningKey | string | null;
  retired(): (NativeSigningKey | string)[];
  standby(): (NativeSigningKey | string)[];
  source(): string | null;
  lastError(): NativeFailure | null;
  refresh(mailbox: NativeMailbox, number: number): Outcome<void>;
  jwks(): Outcome<string>;
  stage(next: NativeSigningKey, now: number): Outcome<void>;
  stageSigner(next: NativeSigner, now: number): Outcome<void>;
  rotate(now: number, published: number): Outcome<string>;
  remove(kid: string): Outcome<void>;
}

export interface NativeDialect {
  readonly id: string;
  readonly title: string;
  readonly source: string;
  readonly requiresAuthorization: boolean;
  extended(text: string): Outcome<NativeDialect>;
}

export interface NativeClientCredentials {
  tokenUrl: string;
  clientId: string;
  clientSecret: string | undefined;
  key: NativeSigningKey | undefined;
  inBody: boolean;
  parameters: string[];
}

export interface NativeReceiver {
  readonly audience: string | string[];
  readonly host: string;
  dialect(): NativeDialect;
}

export interface NativeConfig {
  readonly issuer: string | null;
  readonly receiverNames: string[];
  receiver(mailbox: NativeMailbox, number: number, name: string): Outcome<void>;
  keys(mailbox: NativeMailbox, number: number): Outcome<void>;
  transmitter(mailbox: NativeMailbox, number: number, keys: NativeKeySet): Outcome<void>;
}

export interface NativeReceiverSettings {
  kind: 'okta' | 'govuk-one-login' | 'any';
  address: string;
  audience: string | string[] | undefined;
  dialect: NativeDialect | undefined;
  timeUnit: string | undefined;
  subjectShape: string | undefined;
  bearer: string | undefined;
  authorization: string | undefined;
  clientCredentials: NativeClientCredentials | undefined;
  allowLoopback: boolean;
  concurrency: number | undefined;
  rateLimit: number | undefined;
}

export interface NativePolicy {
  deadline: number | undefined;
  maxAttempts: number | undefined;
  attemptTimeout: number | undefined;
  base: number | undefined;
  maxBackoff: number | undefined;
  maxRetryAfter: number | undefined;
}

export interface NativeFindingsPolicy {
  refuse: string | undefined;
  report: string | undefined;
  allow: string[];
}

export interface NativeRequestLimit {
  readonly window: number;
}

export interface NativeEmitOptions {
  txn: string | undefined;
  toe: number | undefined;
  jti: string | undefined;
  companions: string[] | undefined;
  policy: NativePolicy | undefined;
  lint: NativeFindingsPolicy | undefined;
  limit: NativeRequestLimit | undefined;
}

export interface NativeUnsignedSet {
  readonly signingInput: Uint8Array;
  readonly digest: Uint8Array | null;
  readonly signer: string | null;
  readonly algorithm: string;
  readonly jti: string;
  readonly findings: NativeFinding[];
  decode(): Outcome<NativeDecodedSet>;
  attach(signature: Uint8Array, der: boolean): Outcome<NativeSignedSet>;
  sign(mailbox: NativeMailbox, number: number, key: NativeSigningKey): Outcome<void>;
}

export interface NativeSignedSet {
  readonly compact: string;
  readonly jti: string;
  readonly event: string;
  readonly findings: NativeFinding[];
  decode(): Outcome<NativeDecodedSet>;
}

export interface NativeDecodedSet {
  header(): string;
  claims(): string;
  verify(mailbox: NativeMailbox, number: number, keys: string): Outcome<void>;
}

/** A signed SET as it comes: as text, which costs less than an object, unless there is more to know of it. */
export type NativeSigned = string | NativeSignedSet;

export type NativeReceipt = [
  jti: string,
  status: number,
  attempts: number,
  expected: boolean,
  set: NativeSigned,
  answeredAt: number,
  notes?: ReceiptNote[],
];

export interface NativeSetParts {
  issuer: string;
  audience: string | string[];
  events: string[];
  subject: string | undefined;
  private: boolean;
  txn: string | undefined;
  toe: number | undefined;
  jti: string | undefined;
  issuedAt: number | undefined;
  claims: string | undefined;
  algorithm: string;
  kid: string | undefined;
  lint: NativeFindingsPolicy | undefined;
}

export interface NativeTransmitterSettings {
  issuer: string;
  policy: NativePolicy;
  lint: NativeFindingsPolicy | undefined;
  network: NativeNetwork;
}

export interface NativeNetwork {
  caBundles: Uint8Array[];
  clientCertificate: Uint8Array[] | undefined;
  proxy: string | undefined;
  sourceAddress: string | undefined;
  allowNetworks: string[];
  http2: boolean;
}

export interface NativeCounters {
  enqueued: number;
  delivered: number;
  failed: number;
  inFlight: number;
  attempts: number;
  failures: Record<string, number>;
}

/** One of these. */
export interface NativePublicKey {
  pem?: string;
  der?: Uint8Array;
  jwk?: string;
}

/** An error on its way back to the core. */
export interface NativeErrorParts {
  code: string;
  message: string;
  pointer: string | undefined;
  status: number | undefined;
  receiverError: string | undefined;
  receiverDescription: string | undefined;
}

/** JSON text, or why there is none. */
export type JsonOrError = string | NativeErrorParts;

/** What waits for a signature. */
export interface NativeRequest {
  readonly kid: string;
  readonly signingInput: Uint8Array;
  readonly digest: Uint8Array | null;
  readonly timeLeft: number;
}

export interface NativePending {
  request(): NativeRequest | null;
  sign(mailbox: NativeMailbox, number: number): Outcome<void>;
  deliver(mailbox: NativeMailbox, number: number, signature: Uint8Array, der: boolean): Outcome<void>;
  fail(code: string | undefined): void;
}

export interface NativeExamination {
  request(): NativeRequest | null;
  sign(mailbox: NativeMailbox, number: number): Outcome<void>;
  finish(mailbox: NativeMailbox, number: number, signature: Uint8Array, der: boolean): Outcome<void>;
  fail(mailbox: NativeMailbox, number: number, error: NativeErrorParts): Outcome<void>;
  abandon(): void;
}

export interface NativeTransmitter {
  readonly deadline: number;
  emit(
    mailbox: NativeMailbox,
    number: number,
    event: string,
    subject: string | undefined,
    privateFormats: boolean,
    to: NativeReceiver,
    options: NativeEmitOptions | undefined,
  ): Outcome<void>;
  sign(
    mailbox: NativeMailbox,
    number: number,
    event: string,
    subject: string | undefined,
    privateFormats: boolean,
    to: NativeReceiver,
    options: NativeEmitOptions | undefined,
  ): Outcome<void>;
  prepare(
    event: string,
    subject: string | undefined,
    privateFormats: boolean,
    to: NativeReceiver,
    options: NativeEmitOptions | undefined,
  ): Outcome<NativeUnsignedSet>;
  begin(
    event: string,
    subject: string | undefined,
    privateFormats: boolean,
    to: NativeReceiver,
    options: NativeEmitOptions | undefined,
  ): Outcome<NativePending>;
  deliver(
    mailbox: NativeMailbox,
    number: number,
    set: NativeSignedSet,
    to: NativeReceiver,
    policy: NativePolicy | undefined,
    limit: NativeRequestLimit | undefined,
  ): Outcome<void>;
  lint(
    event: JsonOrError,
    subject: JsonOrError | undefined,
    privateFormats: boolean,
    to: NativeReceiver,
  ): NativeFinding[];
  doctor(
    mailbox: NativeMailbox,
    number: number,
    event: JsonOrError,
    subject: JsonOrError | undefined,
    privateFormats: boolean,
    to: NativeReceiver,
    configurationUrl: string | undefined,
    send: boolean,
    confirm: NativeProviders | undefined,
    mayWait: boolean,
  ): Outcome<void>;
  jwks(): Outcome<string>;
  close(mailbox: NativeMailbox, number: number): Outcome<void>;
  counters(): NativeCounters;
}

export interface NativeDatabaseOptions {
  schema: string | undefined;
  connections: number | undefined;
  migrates: boolean;
  caBundles: Uint8Array[];
  clientCertificate: Uint8Array[] | undefined;
  password: string | NativePasswords | undefined;
}

export interface NativePasswords {
  answer(number: number, password: string): void;
  fail(number: number, what: string): void;
}

export interface NativeOutboxOptions {
  place: string | undefined;
  capacity: number | undefined;
  waits: boolean;
  database: NativeDatabaseOptions | undefined;
  seal: NativeSeal | undefined;
  issuer: string | undefined;
  names: string[] | undefined;
  receivers: NativeReceiver[];
}

export interface NativeAccepted {
  readonly entries: string;
  readonly findings?: NativeFinding[][];
}

export interface NativeOutboxHealth {
  oldestWaiting?: number;
  deliveredInLastMinute: number;
  paused: number;
  refused?: number;
  oldestSnapshot?: number;
  fileBytes?: number;
  logBytes?: number;
}

export interface NativeEntries {
  add(outbox: NativeOutbox, lines: string, count: number): Outcome<void>;
}

export interface NativeStatement {
  readonly sql: string;
  readonly parameters: string[];
  readonly jtis: string[];
  readonly findings: NativeFinding[];
}

export interface NativeOutbox {
  shown(): string;
  statement(lines: string): Outcome<NativeStatement>;
  enqueue(mailbox: NativeMailbox, number: number, lines: string): Outcome<void>;
  enqueueMany(mailbox: NativeMailbox, number: number, entries: NativeEntries): Outcome<void>;
  enqueueJson(mailbox: NativeMailbox, number: number, texts: string[]): Outcome<void>;
  health(mailbox: NativeMailbox, number: number): Outcome<void>;
  counts(mailbox: NativeMailbox, number: number): Outcome<void>;
  receivers(mailbox: NativeMailbox, number: number, after: string | undefined, limit: number): Outcome<void>;
  list(
    mailbox: NativeMailbox,
    number: number,
    filter: NativeFilter,
    after: string | undefined,
    enqueuedAt: number | undefined,
    limit: number,
  ): Outcome<void>;
  history(mailbox: NativeMailbox, number: number, jti: string): Outcome<void>;
  refused(mailbox: NativeMailbox, number: number, after: number | undefined, limit: number): Outcome<void>;
  replay(
    mailbox: NativeMailbox,
    number: number,
    filter: NativeFilter,
    dryRun: boolean,
    freshJti: boolean,
  ): Outcome<void>;
  discard(mailbox: NativeMailbox, number: number, filter: NativeFilter, dryRun: boolean): Outcome<void>;
  hold(mailbox: NativeMailbox, number: number, receiver: string): Outcome<void>;
  wake(mailbox: NativeMailbox, number: number): Outcome<void>;
  release(mailbox: NativeMailbox, number: number, receiver: string): Outcome<void>;
  prune(mailbox: NativeMailbox, number: number, keep: NativeKeep): Outcome<void>;
  check(mailbox: NativeMailbox, number: number): Outcome<void>;
  backup(mailbox: NativeMailbox, number: number, target: string): Outcome<void>;
  close(mailbox: NativeMailbox, number: number): Outcome<void>;
}

export interface NativeStreamOptions {
  issuer: string;
  baseUrl: string | undefined;
  events: string[];
  defaultSubjects: string | undefined;
  criticalSubjectMembers: string[];
  maxStreams: number | undefined;
  maxSubjects: number | undefined;
  minVerificationInterval: number | undefined;
  longPoll: number | undefined;
  lease: number | undefined;
  maxSets: number | undefined;
  maxWaiting: number | undefined;
  maxHeldAge: number | undefined;
  inactivityTimeout: number | undefined;
  inactivityStop: string | undefined;
  canary: number | undefined;
  removalGrace: number | undefined;
  dialects: NativeDialect[];
  push: boolean;
  allowNetworks: string[];
  resourceMetadata: string | undefined;
  allowLoopback: boolean;
  access: NativeAccess | undefined;
  rateLimit: number | undefined;
}

export interface NativeAccess {
  hashes: string[];
  callers: NativeCaller[];
  issuers: NativeIssuer[];
  allowNetworks: string[];
  allowLoopback: boolean;
}

export interface NativeIssuer {
  issuer: string;
  profile: string;
  audience: string | undefined;
  clients: [client: string, receiver: string, audience: string][];
  everyClient: [receiver: string, audience: string] | undefined;
  scopeNames: [read: string, manage: string] | undefined;
  metadataUrl: string | undefined;
  jwksUri: string | undefined;
}

export interface NativeCaller {
  receiver: string;
  audience: string | string[] | undefined;
  scopes: string[];
  dialect: string | undefined;
}

/** Headers are names and values by turns. */
export interface NativeRequestHead {
  method: string;
  target: string;
  headers: string[];
  caller: NativeCaller | undefined;
  admit: boolean;
  remote: string | undefined;
}

/** Headers are names and values by turns. */
export interface NativeAnswer {
  status: number;
  headers: string[];
  body: Uint8Array<ArrayBuffer>;
  failure?: NativeDeliveryFailure;
  audits: NativeAudit[];
}

/** A change, or an attempt to make one. The time is in milliseconds since 1970. */
export interface NativeAudit {
  when: number;
  caller?: string;
  action: string;
  stream?: string;
  outcome: string;
}

export interface NativeStreamCall {
  readonly limit: number;
  respond(mailbox: NativeMailbox, number: number, body: Uint8Array): Outcome<void>;
  tooSlow(): Outcome<NativeAnswer>;
}

/** A signature, or the error that says why there is none. */
export interface NativeSignature {
  bytes: Uint8Array | undefined;
  der: boolean;
  error: NativeErrorParts | undefined;
}

export interface NativeStreamSigning {
  requests(): NativeRequest[];
  finish(mailbox: NativeMailbox, number: number, signatures: NativeSignature[]): Outcome<void>;
  abandon(): void;
}

export interface NativePublished {
  jtis: string[];
  streams: number;
  repeated: boolean;
}

export interface NativeStreamHealth {
  enabled: number;
  paused: number;
  disabled: number;
  failed: number;
  failure?: NativeDeliveryFailure;
  canaryAge?: number;
  canaryStream?: string;
  audits: NativeAudit[];
}

export interface NativeStreamApi {
  serves(path: string): boolean;
  configuration(): Outcome<string>;
  begin(mailbox: NativeMailbox, number: number, head: NativeRequestHead): Outcome<void>;
  maintain(mailbox: NativeMailbox, number: number): Outcome<void>;
  stopStream(mailbox: NativeMailbox, number: number, stream: string, how: string, reason: string): Outcome<void>;
  resumeStream(mailbox: NativeMailbox, number: number, stream: string, reason: string): Outcome<void>;
  publish(mailbox: NativeMailbox, number: number, lines: string): Outcome<void>;
}

export interface NativeFilter {
  states: string[];
  receiver: string | undefined;
  event: string | undefined;
  code: string | undefined;
  jtis: string[];
  subject: string | undefined;
  privateFormats: boolean;
  since: number | undefined;
  until: number | undefined;
}

export interface NativeKeep {
  delivered: number | undefined;
  dead: number | undefined;
  discarded: number | undefined;
}

export interface NativeDeliveryFailure {
  code: string;
  message: string;
  remedy: string;
  status?: number;
  receiverError?: string;
  receiverDescription?: string;
}

export interface NativeAttempt {
  at: number;
  duration: number;
  kid?: string;
  status?: number;
  failure?: NativeDeliveryFailure;
}

export interface NativeDelivery {
  jti: string;
  receiver: string;
  event: string;
  state: string;
  enqueuedAt: number;
  priority: string;
  attempts: number;
  dueAt?: number;
  expiresAt: number;
  endedAt?: number;
  failure?: NativeDeliveryFailure;
  discard?: string;
  supersededBy?: string;
}

export interface NativeHistory {
  delivery: NativeDelivery;
  attempts: NativeAttempt[];
}

export interface NativeRefused {
  id: number;
  enqueuedAt: number;
  refusedAt: number;
  code: string;
  event?: string;
  jtis: string[];
  receivers: string[];
}

export interface NativeOutboxReceiver {
  name: string;
  status: string;
  since?: number;
  resumeAt?: number;
  failure?: NativeDeliveryFailure;
  deliveredAt?: number;
  failedAt?: number;
  oldestWaiting?: number;
  enqueued: number;
  waiting: number;
  inFlight: number;
  delivered: number;
  dead: number;
  discarded: number;
}

/** Empty on purpose: it only crosses back. */
export type NativeSeal = object;

export interface NativeWorkerSettings {
  concurrency: number | undefined;
  perReceiver: number | undefined;
  lease: number | undefined;
  grace: number | undefined;
  poll: number | undefined;
  maxAttempts: number | undefined;
  base: number | undefined;
  maxBackoff: number | undefined;
  keepDelivered: number | undefined;
  keepDead: number | undefined;
  keepDiscarded: number | undefined;
}

export interface NativeRunningWorker {
  next(mailbox: NativeMailbox, number: number): Outcome<void>;
  result(mailbox: NativeMailbox, number: number): Outcome<void>;
  stop(): void;
  health(): NativeWorkerHealth;
}

export interface NativeWorkerHealth {
  inFlight: number;
  delivered: number;
  failed: number;
  lost: number;
  storeErrors: number;
  storeError?: string;
}

/** What a worker asks; an alert wants no answer. */
export interface NativeQuestion {
  readonly kind: 'receiver' | 'signature' | 'paused' | 'resumed';
  readonly receiver: string | null;
  readonly failure: NativeDeliveryFailure | null;
  toSign(): { kid: string; signingInput: Uint8Array; digest?: Uint8Array } | null;
  found(receiver: NativeReceiver | undefined): void;
  signed(signature: Uint8Array, der: boolean): void;
  failed(error: NativeErrorParts): void;
  abandon(): void;
}

export interface NativeLinterSettings {
  dialect: NativeDialect | undefined;
  issuer: string | undefined;
  audience: string | string[] | undefined;
  jwks: string | undefined;
  now: number | undefined;
  algorithm: string | undefined;
  kid: string | undefined;
  sentAs: string | undefined;
}

export interface NativeExplanation {
  isDelivered: boolean;
  reason: string;
  cause: string;
  remedy: string;
  possible: { cause: string; remedy: string }[];
  findings: NativeFinding[];
  said?: string;
}

export interface NativeProviderInput {
  name: string | undefined;
  kind: string | undefined;
  wellKnownUrl: string | undefined;
  issuer: string | undefined;
  jwksUrl: string | undefined;
}

export interface NativeProvider {
  id: string;
  name: string;
  kind: string;
  status: string;
  wellKnownUrl?: string;
  issuer?: string;
  jwksUrl?: string;
}

export interface NativeLogQuery {
  since: number;
  until: number | undefined;
  eventTypes: string[] | undefined;
  pageSize: number;
  follow: number | undefined;
}

export interface NativeLogPager {
  next(mailbox: NativeMailbox, number: number): Outcome<void>;
}

export interface NativeProviders {
  received(
    mailbox: NativeMailbox,
    number: number,
    compact: string,
    answeredAt: number,
    deadline: number | undefined,
  ): Outcome<void>;
  call(
    mailbox: NativeMailbox,
    number: number,
    operation: string,
    id: string | undefined,
    wanted: NativeProviderInput | undefined,
  ): Outcome<void>;
}

export interface NativeOrgSettings {
  org: string;
  ssws: string | undefined;
  bearer: string | undefined;
  clientCredentials: NativeClientCredentials | undefined;
  policy: NativePolicy;
  network: NativeNetwork;
  allowLoopback: boolean;
}

export interface NativeConfigurationSettings {
  issuer: string;
  jwksUri: string | undefined;
  specVersion: string | undefined;
  deliveryMethods: string[] | undefined;
  configurationEndpoint: string | undefined;
  statusEndpoint: string | undefined;
  addSubjectEndpoint: string | undefined;
  removeSubjectEndpoint: string | undefined;
  verificationEndpoint: string | undefined;
  criticalSubjectMembers: string[] | undefined;
  authorizationSchemes: string[] | undefined;
  defaultSubjects: string | undefined;
  members: string | undefined;
  allowLoopback: boolean;
}

export interface NativeLocated {
  document: string;
  url: string;
}

export interface NativeCondition {
  id: string;
  demand: string;
  holds: boolean;
}

interface Native {
  Mailbox: new (wake: () => void) => NativeMailbox;
  SigningKey: {
    generate(mailbox: NativeMailbox, number: number, kind: string): Outcome<void>;
    read(
      mailbox: NativeMailbox,
      number: number,
      form: string,
      bytes: Uint8Array,
      password: string | undefined,
    ): Outcome<void>;
    readJwk(mailbox: NativeMailbox, number: number, json: string, kid: string | undefined): Outcome<void>;
    readAny(mailbox: NativeMailbox, number: number, bytes: Uint8Array, options: NativeSourceOptions): Outcome<void>;
    readSource(mailbox: NativeMailbox, number: number, source: NativeSource): Outcome<void>;
  };
  KeySet: {
    new (active: NativeSigningKey): NativeKeySet;
    ofSigner(active: NativeSigner): NativeKeySet;
    watch(mailbox: NativeMailbox, number: number, source: NativeSource, every: number): Outcome<void>;
  };
  Dialect: {
    ids(): string[];
    builtIn(id: string): Outcome<NativeDialect>;
    fromToml(text: string): Outcome<NativeDialect>;
  };
  Config: {
    read(mailbox: NativeMailbox, number: number, path: string | undefined): Outcome<void>;
    fromToml(text: string): Outcome<NativeConfig>;
  };
  Receiver: { build(settings: NativeReceiverSettings): Outcome<NativeReceiver> };
  RequestLimit: new (requests: number) => NativeRequestLimit;
  Entries: new () => NativeEntries;
  Signer: {
    build(
      algorithm: string,
      kid: string | undefined,
      publicKey: NativePublicKey | undefined,
      signsDigest: boolean,
    ): Outcome<NativeSigner>;
  };
  SignedSet: { parse(compact: string): Outcome<NativeSignedSet> };
  DecodedSet: { parse(compact: string): Outcome<NativeDecodedSet> };
  Transmitter: {
    build(settings: NativeTransmitterSettings, keys: NativeKeySet): Outcome<NativeTransmitter>;
  };
  Passwords: new (ask: (number: number) => void) => NativePasswords;
  Outbox: {
    /** Never called: outboxes are built. */
    new (): NativeOutbox;
    build(options: NativeOutboxOptions): Outcome<NativeOutbox>;
    fromConfig(
      mailbox: NativeMailbox,
      number: number,
      config: NativeConfig,
      options: NativeOutboxOptions,
    ): Outcome<void>;
    salvage(mailbox: NativeMailbox, number: number, path: string): Outcome<void>;
  };
  StreamApi: {
    build(options: NativeStreamOptions, keys: NativeKeySet, outbox: NativeOutbox): Outcome<NativeStreamApi>;
  };
  generateToken(): Outcome<{ secret: string; hash: string }>;
  entryJson(lines: string): Outcome<string>;
  Seal: { build(indexKey: Uint8Array, ids: string[], keys: Uint8Array[]): Outcome<NativeSeal> };
  RunningWorker: {
    start(
      mailbox: NativeMailbox,
      number: number,
      outbox: NativeOutbox,
      transmitter: NativeTransmitter,
      settings: NativeWorkerSettings,
      drain: boolean,
      streams: NativeStreamApi | undefined,
    ): Outcome<void>;
  };
  LogPager: { open(providers: NativeProviders, query: NativeLogQuery): Outcome<NativeLogPager> };
  Providers: { build(settings: NativeOrgSettings): Outcome<NativeProviders> };
  prepareSet(parts: NativeSetParts, dialect: NativeDialect | undefined): Outcome<NativeUnsignedSet>;
  lintText(known: NativeLinterSettings, text: string): Outcome<NativeFinding[]>;
  lintUnsigned(known: NativeLinterSettings, set: NativeUnsignedSet): Outcome<NativeFinding[]>;
  lintEvent(
    known: NativeLinterSettings,
    event: JsonOrError,
    subject: JsonOrError | undefined,
    privateFormats: boolean,
  ): Outcome<NativeFinding[]>;
  lintJwks(json: string): NativeFinding[];
  explain(
    known: NativeLinterSettings,
    set: string,
    status: number,
    headers: string[],
    body: Uint8Array,
  ): Outcome<NativeExplanation>;
  explainError(known: NativeLinterSettings, set: string, error: NativeErrorParts): Outcome<NativeExplanation>;
  configuration(settings: NativeConfigurationSettings): Outcome<NativeLocated>;
  readConfiguration(document: string): Outcome<NativeLocated>;
  wellKnownUrl(issuer: string, legacy: boolean): Outcome<string>;
  conformanceOfSet(
    compact: string,
    stream: { issuer: string; audience: string; id: string | undefined; state: string | undefined },
    now: number | undefined,
  ): NativeCondition[];
  conformanceOfConfiguration(document: string, url: string): NativeCondition[];
  conformanceOfToken(answer: string): NativeCondition[];
  nearest(name: string, known: string[]): string | null;
}

export const native = load() as Native;
