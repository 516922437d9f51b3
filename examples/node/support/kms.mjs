// A minimal key management service with the interface of AWS KMS.

import { generateKeyPairSync, sign } from 'node:crypto';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

export const kms = {
  async getPublicKey() {
    return { PublicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })) };
  },
  async sign({ Message, SigningAlgorithm }) {
    if (SigningAlgorithm !== 'ECDSA_SHA_256') throw new Error('UnsupportedOperationException');
    return { Signature: new Uint8Array(sign('sha256', Message, { key: privateKey, dsaEncoding: 'der' })) };
  },
};
