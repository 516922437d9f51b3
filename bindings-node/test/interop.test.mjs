// What this package signs, judged by the libraries that Node backends verify with.

import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { Receiver, SigningKey, Transmitter } from 'ssf-transmitter';
import { ADA, ISSUER } from './setup.mjs';

const CASES = [
  ['RSA-2048', ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
  ['P-256', ['ES256']],
  ['P-384', ['ES384']],
  ['P-521', ['ES512']],
  ['Ed25519', ['EdDSA']],
];

test('SETs verify with jose, and where it can with jsonwebtoken', async () => {
  const to = new Receiver({
    endpoint: 'https://receiver.example.net/events',
    audience: 'https://receiver.example.net',
  });
  let [jose, others] = [0, 0];
  for (const [type, algorithms] of CASES) {
    const made = await SigningKey.generate(type);
    for (const algorithm of algorithms) {
      const key = made.withAlgorithm(algorithm);
      const transmitter = new Transmitter({ issuer: ISSUER, key });
      const event = { type: 'caep.session-revoked', reasonAdmin: { en: 'Laptop lost', de: 'Gerät verloren 🚨' } };
      const set = await transmitter.prepare(event, ADA, { to }).sign(key);

      const options = { issuer: ISSUER, audience: to.audience, typ: 'secevent+jwt', algorithms: [algorithm] };
      const { payload, protectedHeader } = await jwtVerify(`${set}`, createLocalJWKSet(transmitter.jwks()), options);
      assert.deepEqual([payload.jti, protectedHeader.kid], [set.jti, key.kid]);
      assert.deepEqual(payload, set.decode().claims);
      jose++;

      // jsonwebtoken knows no EdDSA.
      if (algorithm === 'EdDSA') continue;
      const publicKey = createPublicKey({ key: key.publicJwk, format: 'jwk' });
      const { typ, ...theirs } = options;
      assert.equal(typ, 'secevent+jwt');
      assert.equal(jsonwebtoken.verify(`${set}`, publicKey, theirs).jti, set.jti);
      others++;
    }
  }
  assert.deepEqual([jose, others], [10, 9]);
});
