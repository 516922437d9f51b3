// Values of another realm (vm contexts, jsdom) are what they are by their tag, whatever `instanceof` says.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { JSDOM } from 'jsdom';
import {
  caep,
  customEvent,
  explain,
  KeySet,
  lint,
  lintJwks,
  prepareSet,
  readTransmitterConfiguration,
  Signer,
  SigningKey,
  SsfError,
  Transmitter,
  transmitterConfiguration,
} from 'ssf-transmitter';
import { ADA, ISSUER, pair } from './setup.mjs';

const realm = createContext();
/** A value of the other realm, from an expression. */
const foreign = (expression, values = {}) => runInContext(`(${expression})`, Object.assign(realm, values));

const TIME = 1_767_225_590_000;
const DATE = foreign(`new Date(${TIME})`);
const SUBJECT = foreign(JSON.stringify(ADA));

test('the other realm has classes of its own', () => {
  assert.ok(
    !(DATE instanceof Date) && !(SUBJECT instanceof Object) && !(foreign('new Uint8Array(1)') instanceof Uint8Array),
  );
});

test('times', () => {
  const event = caep.sessionRevoked({ eventTimestamp: DATE });
  const parts = { issuer: ISSUER, audience: 'a', events: [event], subject: SUBJECT, algorithm: 'ES256', kid: '1' };
  const { claims } = prepareSet({ ...parts, toe: DATE, issuedAt: DATE }).decode();
  const [members] = Object.values(claims.events);
  assert.deepEqual([claims.iat, claims.toe, members.event_timestamp], Array(3).fill(TIME / 1000));
  assert.throws(() => prepareSet({ ...parts, toe: foreign('new Date(NaN)') }), { code: 'SSF_CONFIGURATION_INVALID' });
});

test('times of the rotation of keys', async () => {
  const keys = new KeySet(await SigningKey.generate('P-256'));
  keys.stage(await SigningKey.generate('P-256'), { now: DATE });
  keys.rotate({ publishedFor: 1000, now: foreign(`new Date(${TIME + 1000})`) });
  assert.equal(keys.retired.length, 1);
});

test('bytes: keys, bundles, bodies of answers', async () => {
  const key = await SigningKey.generate('P-256');
  const pem = await key.exportPrivatePem();
  const bytes = foreign('Uint8Array.from(text, (character) => character.charCodeAt(0))', { text: pem });
  assert.equal((await SigningKey.fromPem(bytes)).thumbprint, key.thumbprint);
  const der = foreign('Uint8Array.from(bytes)', {
    bytes: Buffer.from(pem.split('\n').slice(1, -2).join(''), 'base64'),
  });
  assert.equal((await SigningKey.fromDer(der)).thumbprint, key.thumbprint);
  const caBundle = foreign('[new Uint8Array(3)]');
  assert.throws(() => new Transmitter({ issuer: ISSUER, key, caBundle }), { code: 'SSF_CA_BUNDLE_INVALID' });
  const body = foreign('Uint8Array.from([123, 125])');
  assert.equal(explain('', { status: 202, body }).isDelivered, true);
});

for (const form of ['bytes', 'bytes.buffer', '{ der: bytes }', '{ der: bytes.buffer }']) {
  test(`a signature as ${form}, by a promise of the other realm`, async (t) => {
    const { key, emulator, to } = await pair(t);
    const jwk = await key.exportPrivateJwk();
    const usages = [{ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']];
    const imported = await crypto.subtle.importKey('jwk', { ...jwk, alg: 'ES256', key_ops: ['sign'] }, ...usages);
    const sign = async (input) => {
      const raw = Buffer.from(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, imported, input));
      const signature = form.includes('der') ? derOf(raw) : raw;
      return foreign(`Promise.resolve(Uint8Array.from(signature)).then((bytes) => (${form}))`, { signature });
    };
    const transmitter = new Transmitter({
      issuer: ISSUER,
      key: new Signer({ algorithm: 'ES256', kid: key.kid, sign }),
    });
    await transmitter.emit(caep.sessionRevoked(), SUBJECT, { to });
    emulator.assertReceived('caep.session-revoked', SUBJECT);
  });
}

/** An ECDSA signature as DER has it (RFC 3279 §2.2.3). */
function derOf(raw) {
  const integers = [raw.subarray(0, 32), raw.subarray(32)].map((half) => {
    const digits = half.subarray(half.findIndex((byte) => byte !== 0));
    const content = digits[0] < 0x80 ? digits : Buffer.concat([Buffer.of(0), digits]);
    return Buffer.concat([Buffer.of(2, content.length), content]);
  });
  const content = Buffer.concat(integers);
  return Buffer.concat([Buffer.of(0x30, content.length), content]);
}

test('what a signer of the other realm throws is the cause', async (t) => {
  const { to } = await pair(t);
  const reason = foreign('new RangeError("no key")');
  const sign = foreign('() => { throw reason; }', { reason });
  const transmitter = new Transmitter({ issuer: ISSUER, key: new Signer({ algorithm: 'ES256', sign }) });
  await assert.rejects(transmitter.emit(caep.sessionRevoked(), ADA, { to }), (error) => {
    assert.ok(error instanceof SsfError);
    assert.deepEqual([error.code, error.cause === reason], ['SSF_SIGNER_FAILED', true]);
    return true;
  });
});

test('objects and arrays: options, events, subjects, documents', async (t) => {
  const { key, emulator, to } = await pair(t);
  const transmitter = new Transmitter(foreign('{ issuer, key, retry: { maxAttempts: 1 } }', { issuer: ISSUER, key }));
  const literal = foreign('{ type: "caep.session-revoked", reasonAdmin: { en: "Laptop lost" } }');
  await transmitter.emit(literal, SUBJECT, foreign('{ to, companions: [], lint: { allow: [] } }', { to }));
  emulator.assertReceived('caep.session-revoked', SUBJECT);
  const own = customEvent(foreign('{ uri: "https://edr.example.com/events/quarantine", claims: { hosts: ["a"] } }'));
  const findings = lint(foreign('{ event, subject }', { event: own, subject: SUBJECT }));
  assert.deepEqual(
    findings.map(({ rule }) => rule),
    ['event-unknown'],
  );

  const jwk = foreign(JSON.stringify(await key.exportPrivateJwk()));
  assert.equal((await SigningKey.fromJwk(jwk)).kid, key.kid);
  assert.deepEqual(lintJwks(foreign(JSON.stringify(transmitter.jwks()))), []);
  const options = foreign('{ issuer, jwksUri: issuer + "/jwks.json", deliveryMethods: ["urn:ietf:rfc:8935"] }');
  const { document } = transmitterConfiguration(options);
  assert.equal(readTransmitterConfiguration(foreign(JSON.stringify(document))).document.issuer, ISSUER);
});

test('an async generator is a source of emissions', async (t) => {
  const { transmitter, to } = await pair(t);
  const source = foreign('(async function* () { for (let n = 0; n < 3; n++) yield { event, subject, to }; })()', {
    event: caep.sessionRevoked(),
    subject: SUBJECT,
    to,
  });
  const statuses = [];
  for await (const { receipt } of transmitter.emitAll(source)) statuses.push(receipt?.status);
  assert.deepEqual(statuses, [202, 202, 202]);
});

test('the abort signals of jsdom, which are not those of Node', async (t) => {
  const { window } = new JSDOM();
  const never = { script: { rules: [{ fault: { slow_headers: { ms: 600_000 } } }] } };
  const { transmitter, to } = await pair(t, { emulator: never });
  const reason = new Error('enough');
  for (const work of [
    (signal) => transmitter.emit(caep.sessionRevoked(), ADA, { to, signal }),
    async (signal) => {
      const emissions = Array.from({ length: 3 }, () => ({ event: caep.sessionRevoked(), subject: ADA, to }));
      for await (const { error } of transmitter.emitAll(emissions, { signal })) if (error !== undefined) throw error;
    },
  ]) {
    const controller = new window.AbortController();
    assert.ok(!(controller.signal instanceof AbortSignal));
    const working = work(controller.signal);
    setImmediate(() => controller.abort(reason));
    await assert.rejects(working, reason);
    await assert.rejects(work(controller.signal), reason);
  }
});

test('each of two copies of the package on one thread sees its own failures', async () => {
  const require = createRequire(import.meta.url);
  const copies = [0, 1].map(() => {
    const copy = require('ssf-transmitter');
    for (const path of Object.keys(require.cache)) delete require.cache[path];
    return copy;
  });
  assert.notEqual(copies[0], copies[1]);
  for (const { SigningKey, SsfError, Dialect } of [...copies, copies[0]]) {
    assert.throws(() => Dialect.builtIn('none'), { code: 'SSF_DIALECT_UNKNOWN' });
    await assert.rejects(SigningKey.fromPem('none'), SsfError);
  }
  const [one, two] = copies;
  const key = await one.SigningKey.generate('P-256');
  assert.throws(() => new two.KeySet(key), /got a SigningKey of another copy of ssf-transmitter/);
});
