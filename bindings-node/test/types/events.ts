// What the compiler takes, and what it has to refuse. Checked with `tsc`, and never run.

import {
  type CatalogueEvent,
  caep,
  customEvent,
  customSubject,
  DecodedSet,
  type Emitted,
  type EventType,
  KeySet,
  okta,
  Receiver,
  Signer,
  SigningKey,
  SsfError,
  type SsfErrorCode,
  type SsfEvent,
  type Subject,
  scim,
  Transmitter,
} from 'ssf-transmitter';
import { type ReceiverEmulator, startReceiver } from 'ssf-transmitter/testing';

declare const key: SigningKey;
declare const to: Receiver;
const ada: Subject = { format: 'email', email: 'ada@example.com' };

// Events.
caep.sessionRevoked();
caep.sessionRevoked({ reasonAdmin: { en: 'x' }, eventTimestamp: new Date(), initiatingEntity: 'policy' });
caep.credentialChange({ credentialType: 'a kind of our own', changeType: 'create', otherMembers: { x: 1 } });
scim.delete();
// @ts-expect-error a misspelt member
caep.sessionRevoked({ reasonAdmn: { en: 'x' } });
// @ts-expect-error a required member is missing
caep.credentialChange({ credentialType: 'password' });
// @ts-expect-error not a value of the closed list
caep.credentialChange({ credentialType: 'password', changeType: 'created' });
// @ts-expect-error required members, and none given
okta.userRiskChange();
// @ts-expect-error a time is not a string
caep.sessionRevoked({ eventTimestamp: '2026-01-01' });
// @ts-expect-error a text is by language
caep.sessionRevoked({ reasonAdmin: 'x' });

const literal: SsfEvent = { type: 'caep.session-revoked', reasonAdmin: { en: 'x' } };
// @ts-expect-error a misspelt member of a literal
const misspelt: SsfEvent = { type: 'caep.session-revoked', reasonAdmn: { en: 'x' } };
// @ts-expect-error no event of the catalogue
const unknown: SsfEvent = { type: 'caep.session-revokd' };
// @ts-expect-error a member of another event
const mixed: SsfEvent = { type: 'caep.session-revoked', changeType: 'create' };
customEvent({ uri: 'urn:x', claims: { any: 1 } });
// @ts-expect-error an event has a URI
customEvent({ claims: {} });

// The union tells events apart.
export function describe(event: CatalogueEvent): string {
  if (event.type === 'caep.credential-change') return event.credentialType;
  // @ts-expect-error not known before the type is
  if (event.credentialType) return 'x';
  return event.type;
}
export const type: EventType = 'okta.user-risk-change';

// Subjects.
const complex: Subject = { format: 'complex', user: ada, device: { format: 'opaque', id: '1' }, robot: ada };
const item: Subject = customSubject('catalog_item', { catalog_id: 'x' });
// @ts-expect-error a misspelt member
const misspeltSubject: Subject = { format: 'email', emial: 'ada@example.com' };
// @ts-expect-error an unknown format
const unknownFormat: Subject = { format: 'mail', email: 'ada@example.com' };
// @ts-expect-error a member that is missing
const halfSubject: Subject = { format: 'iss_sub', iss: 'https://x.example' };

// The transmitter.
const transmitter = new Transmitter({ issuer: 'https://x.example', key });
new Transmitter({ issuer: 'https://x.example', key: new KeySet(key), deadline: 1000, retry: { maxAttempts: 1 } });
const signer = new Signer({ algorithm: 'ES256', kid: 'k', sign: async (input) => ({ der: input }) });
new Transmitter({ issuer: 'x', key: signer });
new Transmitter({ issuer: 'x', key: new KeySet(new Signer({ algorithm: 'ES256', signDigest: (digest) => digest })) });
// @ts-expect-error a key is needed
new Transmitter({ issuer: 'https://x.example' });
// @ts-expect-error a signer needs an algorithm
new Signer({ sign: async (input: Uint8Array) => input });
// @ts-expect-error one function
new Signer({ algorithm: 'ES256', sign: (input) => input, signDigest: (digest) => digest });
// @ts-expect-error a misspelt option
new Transmitter({ issuer: 'x', key, deadlin: 1 });
// @ts-expect-error an algorithm that does not exist
new Signer({ algorithm: 'HS256', sign: async (input: Uint8Array) => input });
// @ts-expect-error keys are made or read, not constructed
new SigningKey();
// @ts-expect-error no type of keys
SigningKey.generate('RSA-1024');
// @ts-expect-error an audience is needed
Receiver.govukOneLogin('https://x.example');
// @ts-expect-error a lint rule that does not exist
transmitter.emit(literal, ada, { to, lint: { allow: ['iat-futur'] } });
// @ts-expect-error a receiver is needed
transmitter.emit(literal, ada, {});
// @ts-expect-error an unsigned SET cannot be sent
transmitter.deliver(transmitter.prepare(literal, ada, { to }), { to });

export async function all(): Promise<void> {
  await using closing = transmitter;
  await using emulator: ReceiverEmulator = await startReceiver({ issuer: 'x', keys: key });
  const receipt = await closing.emit(literal, complex, { to: emulator.receiver(), signal: AbortSignal.timeout(1) });
  const status: number = receipt.status;
  const emissions = [{ event: literal, subject: item, to, customer: 7 }];
  for await (const result of closing.emitAll(emissions)) {
    const customer: number = result.emission.customer;
    if (result.error !== undefined) throw result.error;
    const jti: string = result.receipt.jti;
    void [customer, jti];
  }
  const emitted: Emitted | undefined = undefined;
  const claims: unknown = DecodedSet.parse('x').claims.jti;
  void [status, emitted, claims];
}

// Errors.
export function handle(error: unknown): boolean {
  if (!(error instanceof SsfError)) throw error;
  // @ts-expect-error a code that does not exist
  if (error.code === 'SSF_RECEIVER_REJECT') return false;
  const code: SsfErrorCode = error.code;
  return error.retryable && code !== 'SSF_CIRCUIT_OPEN' && error.pointer === undefined;
}
void [misspelt, unknown, mixed, misspeltSubject, unknownFormat, halfSubject];
