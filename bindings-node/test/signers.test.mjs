import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, webcrypto } from 'node:crypto';
import { test } from 'node:test';
import { caep, Signer, Transmitter } from 'ssf-transmitter';
import { startReceiver } from 'ssf-transmitter/testing';
import { ADA, ISSUER } from './setup.mjs';

const revoked = caep.sessionRevoked();

async function receiverOf(t, publicKey, kid, alg) {
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
  const emulator = await startReceiver({ issuer: ISSUER, keys: { keys: [jwk] } });
  t.after(() => emulator.stop());
  return emulator;
}

const p256 = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

test('a key management service that answers in DER', async (t) => {
  const { privateKey, publicKey } = p256();
  const emulator = await receiverOf(t, publicKey, 'kms-1', 'ES256');
  const kms = async (message) => {
    await new Promise(setImmediate);
    return { Signature: new Uint8Array(sign('sha256', message, { key: privateKey, dsaEncoding: 'der' })) };
  };
  const transmitter = new Transmitter({
    issuer: ISSUER,
    key: new Signer({
      algorithm: 'ES256',
      kid: 'kms-1',
      sign: async (input) => ({ der: (await kms(input)).Signature }),
    }),
  });
  const { checks } = await transmitter.doctor(revoked, ADA, { to: emulator.receiver(), send: true });
  assert.equal(emulator.received.length, 1, JSON.stringify(checks));
  emulator.clear();
  const signed = await transmitter.sign(revoked, ADA, { to: emulator.receiver() });
  assert.equal((await transmitter.deliver(signed, { to: emulator.receiver() })).status, 202);
  const receipt = await transmitter.emit(revoked, ADA, { to: emulator.receiver(), txn: 't' });
  assert.equal(receipt.status, 202);
  assert.equal(emulator.requests[0].header.kid, 'kms-1');
  const results = [];
  for await (const { receipt } of transmitter.emitAll([{ event: revoked, subject: ADA, to: emulator.receiver() }])) {
    results.push(receipt?.status);
  }
  assert.deepEqual(results, [202]);
});

test('WebCrypto', async (t) => {
  for (const [name, algorithm, generate, use] of [
    ['ES256', 'ES256', { name: 'ECDSA', namedCurve: 'P-256' }, { name: 'ECDSA', hash: 'SHA-256' }],
    [
      'RS256',
      'RS256',
      { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
      { name: 'RSASSA-PKCS1-v1_5' },
    ],
  ]) {
    const pair = await webcrypto.subtle.generateKey(generate, true, ['sign', 'verify']);
    const jwk = await webcrypto.subtle.exportKey('jwk', pair.publicKey);
    const publicKey = createPublicKey({
      key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, n: jwk.n, e: jwk.e },
      format: 'jwk',
    });
    const emulator = await receiverOf(t, publicKey, name, algorithm);
    const transmitter = new Transmitter({
      issuer: ISSUER,
      key: new Signer({
        algorithm,
        kid: name,
        sign: (input) => webcrypto.subtle.sign(use, pair.privateKey, input),
      }),
    });
    assert.equal((await transmitter.emit(revoked, ADA, { to: emulator.receiver() })).status, 202);
  }
});

test('the steps by hand: prepare, attach, deliver', async (t) => {
  const { privateKey, publicKey } = p256();
  const emulator = await receiverOf(t, publicKey, 'k', 'ES256');
  const key = new Signer({ algorithm: 'ES256', kid: 'k', sign: () => assert.fail('not called') });
  const transmitter = new Transmitter({ issuer: ISSUER, key });
  const to = emulator.receiver();
  const unsigned = transmitter.prepare(revoked, ADA, { to });
  const der = sign(
    'sha256',
    unsigned.signingInput,
    createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })),
  );
  const signed = transmitter.attach(unsigned, { der });
  assert.equal((await transmitter.deliver(signed, { to })).jti, unsigned.jti);
  assert.throws(() => unsigned.attach(new Uint8Array(63)), { code: 'SSF_SIGNATURE_MALFORMED' });
  assert.throws(() => unsigned.attach('abc'), { code: 'SSF_SIGNATURE_MALFORMED' });
});

test('a signer that fails, gives nonsense, or never answers', async (t) => {
  const { publicKey } = p256();
  const emulator = await receiverOf(t, publicKey, 'k', 'ES256');
  const to = emulator.receiver();
  const by = (sign) => new Transmitter({ issuer: ISSUER, key: new Signer({ algorithm: 'ES256', kid: 'k', sign }) });
  const reason = new Error('throttled');
  const throwing = by(() => {
    throw reason;
  });
  await assert.rejects(throwing.emit(revoked, ADA, { to }), (error) => {
    assert.deepEqual([error.code, error.cause], ['SSF_SIGNER_FAILED', reason]);
    return true;
  });
  await assert.rejects(by(async () => 'nonsense').emit(revoked, ADA, { to }), { code: 'SSF_SIGNATURE_MALFORMED' });
  await assert.rejects(by(() => ({ der: new Uint8Array(3) })).emit(revoked, ADA, { to }), {
    code: 'SSF_SIGNATURE_MALFORMED',
  });
  const silent = by(() => new Promise(() => {}));
  await assert.rejects(silent.emit(revoked, ADA, { to, deadline: 50 }), { code: 'SSF_DEADLINE_EXCEEDED' });
  const controller = new AbortController();
  const emit = silent.emit(revoked, ADA, { to, signal: controller.signal });
  controller.abort();
  await assert.rejects(emit, { name: 'AbortError' });
  assert.deepEqual(emulator.requests, []);
  const { checks } = await silent.doctor(revoked, ADA, { to });
  assert.ok(checks.length > 5);
  for (const wrong of [{ sign() {} }, { algorithm: 'ES256' }, { algorithm: 'ES256', sign() {}, signDigest() {} }]) {
    assert.throws(() => new Signer(wrong), { code: 'SSF_CONFIGURATION_INVALID' });
  }
});
