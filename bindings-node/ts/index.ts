/**
 * Send OpenID Shared Signals: signed Security Event Tokens to Okta, GOV.UK One Login and any RFC 8935 receiver.
 *
 * @module
 */

import './bundled.js';

export type { Algorithm } from './algorithm.js';
export type { CauseId } from './causes.js';
export type { CodeFacts, ErrorKind, SsfErrorCode } from './codes.js';
export { Config } from './config.js';
export * as conformance from './conformance.js';
export { type CustomSubject, customSubject } from './custom-subject.js';
export type { Check, Diagnosis } from './diagnosis.js';
export type { Emission, EmitAllOptions, Emitted } from './emit-all.js';
export {
  ApiError,
  ConfigError,
  DeadlineExceeded,
  DeliveryError,
  type Finding,
  InternalError,
  KeyMaterialError,
  OutboxError,
  ReceiverRejected,
  SigningError,
  SsfError,
  type SsfErrorParts,
  TokenError,
  TransportError,
  ValidationError,
} from './errors.js';
export * as caep from './events/caep.js';
export { type CustomEvent, customEvent } from './events/custom.js';
export { type CommonMembers, eventUri, type LocalizedText, type Moment } from './events/encode.js';
export * as govuk from './events/govuk.js';
export * as loginGov from './events/login_gov.js';
export * as oauth from './events/oauth.js';
export * as okta from './events/okta.js';
export * as risc from './events/risc.js';
export * as scim from './events/scim.js';
export * as ssf from './events/ssf.js';
export type { CatalogueEvent, EventType, SsfEvent } from './events/union.js';
export {
  type Jwks,
  KeySet,
  type KeyType,
  type PublicJwk,
  type ReadOptions,
  SigningKey,
  type SourceOptions,
} from './keys.js';
export {
  type Cause,
  type Explanation,
  explain,
  type LintContext,
  type LintedEvent,
  lint,
  lintJwks,
  type ReceiverAnswer,
} from './lint.js';
export {
  type ConfigurationOptions,
  legacyWellKnownUrl,
  readTransmitterConfiguration,
  type TransmitterConfiguration,
  transmitterConfiguration,
  wellKnownUrl,
} from './metadata.js';
export type { NetworkOptions } from './network.js';
export type { ReceiptNote } from './notes.js';
export {
  type CallOptions,
  type LogOptions,
  type NewProvider,
  OktaProviders,
  type OktaProvidersOptions,
  type ProviderChange,
  type ProviderSettings,
  type SecurityEventsProvider,
} from './okta.js';
export {
  type Certainty,
  type LogEntity,
  LogEvent,
  type Reception,
  type ReceptionCause,
  type ReceptionOutcome,
} from './okta-log.js';
export type { Bounds, LintPolicy, RetryPolicy } from './policy.js';
export {
  type ClientCredentials,
  Dialect,
  type DialectId,
  Receiver,
  type ReceiverOptions,
  type ReceiverSettings,
} from './receiver.js';
export type { LintRuleId } from './rules.js';
export { DecodedSet, prepareSet, Receipt, type SetParts, SignedSet, UnsignedSet } from './sets.js';
export type { Signature } from './signature.js';
export { type DigestSignerOptions, type InputSignerOptions, Signer, type SignerOptions } from './signer.js';
export type * from './subjects.js';
export {
  type Counters,
  type DeliverOptions,
  type EmitOptions,
  type SetOptions,
  Transmitter,
  type TransmitterOptions,
} from './transmitter.js';
export type * from './values.js';
