// Settings of the network and of authorization that cannot be right, by the vectors that all languages share.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OktaProviders, Receiver, SigningKey, Transmitter } from 'ssf-transmitter';
import { inNode } from './settings.mjs';

const FOLDER = new URL('../../tests/vectors/', import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'));
const VECTORS = read('setup-network.json');
const COUNTS = read('manifest.json')['setup-network.json'];

function every(kind, build) {
  test(`${kind} that cannot be right are named`, () => {
    assert.equal(VECTORS[kind].length, COUNTS[kind]);
    for (const one of VECTORS[kind]) {
      if (one.code === undefined) {
        build(one);
        continue;
      }
      assert.throws(
        () => build(one),
        (error) => {
          assert.equal(error.code, `SSF_${one.code.toUpperCase()}`, one.name);
          for (const part of one.says) assert.ok(error.message.includes(inNode(part)), `${one.name}: ${error.message}`);
          return true;
        },
        one.name,
      );
    }
  });
}

const key = await SigningKey.generate('P-256');
const transmitter = (options) => new Transmitter({ issuer: 'https://edr.example.com', key, ...options });

every('authorization', ({ authorization }) => {
  const [[name, value]] = Object.entries(authorization);
  if (name === 'ssws') return new OktaProviders({ org: 'https://acme.okta.com', apiToken: value });
  const options = {
    bearer: () => ({ bearer: value }),
    header: () => ({ authorization: value }),
    client_credentials: () => ({
      clientCredentials: { tokenUrl: value.token_url, clientId: value.client_id, clientSecret: value.client_secret },
    }),
  }[name]();
  return new Receiver({
    endpoint: 'https://receiver.example.net/events',
    audience: 'https://receiver.example.net',
    ...options,
  });
});
every('proxies', ({ proxy }) => transmitter({ proxy }));
every('source_addresses', ({ source_address: sourceAddress }) => transmitter({ sourceAddress }));
every('ca_bundles', ({ ca_bundle: caBundle }) => transmitter({ caBundle }));
every('client_certificates', ({ certificate, key: own }) =>
  transmitter({ clientCertificate: { chain: certificate, key: own } }),
);
