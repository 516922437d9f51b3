// A minimal key management service with the interface of AWS KMS.

import { constants, generateKeyPairSync, privateEncrypt } from 'node:crypto';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
// What RSASSA-PKCS1-v1_5 puts before a SHA-256 digest (RFC 8017 §9.2).
const PREFIX = Buffer.from('3031300d060960864801650304020105000420', 'hex');

export const kms = {
  async getPublicKey() {
    return { PublicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })) };
  },
  async sign({ Message, MessageType, SigningAlgorithm }) {
    if (MessageType !== 'DIGEST' || SigningAlgorithm !== 'RSASSA_PKCS1_V1_5_SHA_256') {
      throw new Error('UnsupportedOperationException');
    }
    const key = { key: privateKey, padding: constants.RSA_PKCS1_PADDING };
    return { Signature: new Uint8Array(privateEncrypt(key, Buffer.concat([PREFIX, Message]))) };
  },
};
