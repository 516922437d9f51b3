// Signs in a key management service. This process never sees the private key.
//
// `kms` simulates a client such as @aws-sdk/client-kms, whose SignCommand with ECDSA_SHA_256 also returns DER.
//
//   ENDPOINT=… AUDIENCE=… ISSUER=https://edr.example.com node kms.mjs

import { caep, Receiver, Transmitter } from 'ssf-transmitter';
import { kms } from './support/kms.mjs';

const { ENDPOINT, AUDIENCE, ISSUER } = process.env;
const keyId = 'alias/ssf';
const { PublicKey } = await kms.getPublicKey({ KeyId: keyId });
const transmitter = new Transmitter({
  issuer: ISSUER,
  algorithm: 'ES256',
  kid: keyId,
  publicKey: PublicKey,
  signer: async (input) => {
    const { Signature } = await kms.sign({ KeyId: keyId, Message: input, SigningAlgorithm: 'ECDSA_SHA_256' });
    return { der: Signature };
  },
});
// Publish this at the jwks_uri.
console.log(JSON.stringify(transmitter.jwks()));

const to = new Receiver({
  endpoint: ENDPOINT,
  audience: AUDIENCE,
  allowLoopback: ENDPOINT.startsWith('http://127.0.0.1'),
});
const { jti } = await transmitter.emit(caep.sessionRevoked(), { format: 'opaque', id: 'session-1' }, { to });
console.log(`${jti} was taken`);
