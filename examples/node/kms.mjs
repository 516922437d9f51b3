// Signs in a key management service. This process never sees the private key.
//
// `kms` simulates a client such as @aws-sdk/client-kms. For ECDSA_SHA_256, whose signatures are DER, return `{ der: Signature }`.
//
//   ENDPOINT=… AUDIENCE=… ISSUER=https://edr.example.com node kms.mjs

import { caep, Receiver, Signer, Transmitter } from 'ssf-transmitter';
import { kms } from './support/kms.mjs';

const { ENDPOINT, AUDIENCE, ISSUER } = process.env;
const keyId = 'alias/ssf';
const { PublicKey } = await kms.getPublicKey({ KeyId: keyId });
const transmitter = new Transmitter({
  issuer: ISSUER,
  key: new Signer({
    algorithm: 'RS256',
    kid: keyId,
    publicKey: PublicKey,
    // Of a message, the service takes 4,096 bytes at most; a digest fits any SET.
    signDigest: async (digest) => {
      const SigningAlgorithm = 'RSASSA_PKCS1_V1_5_SHA_256';
      const { Signature } = await kms.sign({ KeyId: keyId, Message: digest, MessageType: 'DIGEST', SigningAlgorithm });
      return Signature;
    },
  }),
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
