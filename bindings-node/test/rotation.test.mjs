// Keys of this process and signers, rotating in one set: tests/vectors/rotation.json.

import assert from 'node:assert/strict';
import { constants, createPrivateKey, privateEncrypt, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { caep, KeySet, Signer, SigningKey, SsfError, Transmitter } from 'ssf-transmitter';
import { startReceiver } from 'ssf-transmitter/testing';
import { ADA, ISSUER } from './setup.mjs';

const read = (name) => JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}`, import.meta.url), 'utf8'));
const { cases } = read('rotation.json');
assert.equal(cases.length, read('manifest.json')['rotation.json'].cases);

/** `DigestInfo` of SHA-256 (RFC 8017 §9.2), without the digest. */
const DIGEST_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/** A key of a case, and its public half. */
async function made(name, { signs, algorithm, kid = name, public_key: tells = true }) {
  const local = (await SigningKey.generate(algorithm === 'ES256' ? 'P-256' : 'RSA-2048')).withKid(kid);
  if (signs === 'here') return { key: local, jwk: local.publicJwk };
  const privateKey = createPrivateKey(await local.exportPrivatePem());
  const known = { algorithm, kid, publicKey: tells ? local.publicJwk : undefined };
  const key =
    signs === 'input'
      ? new Signer({ ...known, sign: (input) => ({ der: sign('sha256', input, privateKey) }) })
      : new Signer({
          ...known,
          signDigest: async (digest) =>
            privateEncrypt(
              { key: privateKey, padding: constants.RSA_PKCS1_PADDING },
              Buffer.concat([DIGEST_INFO, digest]),
            ),
        });
  return { key, jwk: local.publicJwk };
}

function codeOf(work) {
  try {
    work();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof SsfError, error);
    return error.code.slice('SSF_'.length).toLowerCase();
  }
}

test('signers rotate like keys of this process', async (t) => {
  for (const one of cases) {
    await t.test(one.name, async (t) => {
      const all = new Map();
      for (const [kid, about] of Object.entries(one.keys)) all.set(kid, await made(kid, about));
      const keys = new KeySet(all.get(one.active).key);
      const published = [...all].filter(([name, { jwk }]) => jwk.kid === name).map(([, { jwk }]) => jwk);
      const emulator = await startReceiver({ issuer: ISSUER, keys: { keys: published } });
      t.after(() => emulator.stop());
      const transmitter = new Transmitter({ issuer: ISSUER, key: keys });
      t.after(() => transmitter.close());
      const to = emulator.receiver();
      for (const step of one.steps) {
        if ('emit' in step) {
          emulator.clear();
          await transmitter.emit(caep.sessionRevoked(), ADA, { to });
          await transmitter.deliver(await transmitter.sign(caep.sessionRevoked(), ADA, { to }), { to });
          await transmitter.doctor(caep.sessionRevoked(), ADA, { to, send: true });
          const kids = emulator.requests.map(({ header }) => header.kid);
          assert.deepEqual(kids, [step.emit, step.emit, step.emit]);
          assert.equal(keys.active.kid, step.emit);
        }
        if ('stage' in step)
          assert.equal(
            codeOf(() => keys.stage(all.get(step.stage).key)),
            step.code,
          );
        if ('rotate' in step) {
          const rotate = () => assert.equal(keys.rotate({ publishedFor: 0 }), step.rotate);
          assert.equal(codeOf(rotate), step.code);
        }
        if ('remove' in step)
          assert.equal(
            codeOf(() => keys.remove(step.remove)),
            step.code,
          );
        if ('published' in step) {
          assert.deepEqual(
            transmitter.jwks().keys.map(({ kid }) => kid),
            step.published,
          );
        }
        if ('next' in step) assert.equal(keys.next, all.get(step.next).key);
        if ('retired' in step) {
          assert.deepEqual(
            keys.retired.map(({ kid }) => kid),
            step.retired,
          );
        }
      }
    });
  }
});

test('Ed25519 signs no digest', () => {
  const options = { algorithm: 'EdDSA', signDigest: () => assert.fail('not called') };
  assert.throws(() => new Signer(options), { code: 'SSF_CONFIGURATION_INVALID', message: /not a digest/ });
});
