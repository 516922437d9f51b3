import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { DecodedSet, KeySet, prepareSet, SigningKey } from 'ssf-transmitter';

const TYPES = ['RSA-2048', 'P-256', 'P-384', 'P-521', 'Ed25519'];

const set = (key) =>
  prepareSet({
    issuer: 'https://edr.example.com',
    audience: 'https://receiver.example.net',
    events: [{ type: 'caep.session-revoked' }],
    subject: { format: 'opaque', id: '1' },
    algorithm: key.algorithm,
    kid: key.kid,
  });

test('keys of every type are made, written, read, and sign', async () => {
  for (const type of TYPES) {
    const key = await SigningKey.generate(type);
    assert.equal(key.kid, key.thumbprint);
    const forms = await Promise.all([
      SigningKey.fromJwk(await key.exportPrivateJwk()),
      SigningKey.fromJwk(JSON.stringify(await key.exportPrivateJwk())),
      SigningKey.fromPem(await key.exportPrivatePem()),
      SigningKey.fromPem(await key.exportPrivatePem({ password: 'hush' }), { password: 'hush' }),
      SigningKey.fromJwks({ keys: [await key.exportPrivateJwk()] }, key.kid),
    ]);
    for (const other of forms) assert.equal(other.thumbprint, key.thumbprint);
    const signed = await set(key).sign(key);
    const { kid, d } = await DecodedSet.parse(`${signed}`).verify({ keys: [key.publicJwk] });
    assert.deepEqual([kid, d], [key.kid, undefined]);
  }
});

test('what Node makes is taken', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  const key = await SigningKey.fromDer(der, { kid: 'mine', algorithm: 'PS256' });
  assert.deepEqual([key.algorithm, key.kid], ['PS256', 'mine']);
  assert.equal(key.withKid('other').kid, 'other');
  assert.match(key.publicPem, /^-----BEGIN PUBLIC KEY-----\n/);
});

test('a key is refused with what is wrong with it', async () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  await assert.rejects(SigningKey.fromPem(short), { code: 'SSF_KEY_RSA_TOO_SHORT', name: 'KeyMaterialError' });
  const sealed = await (await SigningKey.generate('P-256')).exportPrivatePem({ password: 'hush' });
  await assert.rejects(SigningKey.fromPem(sealed), { code: 'SSF_KEY_PASSWORD_MISSING' });
  await assert.rejects(SigningKey.fromPem(sealed, { password: 'x' }), { code: 'SSF_KEY_PASSWORD_WRONG' });
  await assert.rejects(SigningKey.generate('RSA-1024'), { code: 'SSF_KEY_TYPE_UNSUPPORTED' });
  const key = await SigningKey.generate('P-256');
  assert.throws(() => key.withAlgorithm('RS256'), { code: 'SSF_KEY_ALGORITHM_MISMATCH' });
  const other = await SigningKey.generate('RSA-2048');
  await assert.rejects(set(key).sign(other), { code: 'SSF_KEY_ALGORITHM_MISMATCH' });
  const keys = new KeySet(key);
  assert.throws(() => keys.stage(key), { code: 'SSF_KID_DUPLICATE' });
  assert.throws(() => keys.rotate({ publishedFor: 0 }), { code: 'SSF_KEY_SET_NO_NEXT' });
  assert.throws(() => keys.remove(key.kid), { code: 'SSF_KEY_SET_ACTIVE' });
});
