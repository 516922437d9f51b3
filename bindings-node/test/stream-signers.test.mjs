// Polls whose SETs a signer signs, and what a mount tells its operator.

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { after, before, test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { ConfigError, caep, KeySet, Signer, SigningKey, SsfError, Transmitter } from 'ssf-transmitter';
import { Outbox, Worker } from 'ssf-transmitter/outbox';
import { StreamApi } from 'ssf-transmitter/streams';
import { startReceiver } from 'ssf-transmitter/testing';
import { authenticator, MOUNTS, Server } from './mounts.mjs';
import { ADA, ISSUER } from './setup.mjs';

const REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
const AUDIENCE = 'https://acme.example.com';
const HEADERS = { authorization: 'Bearer of-acme', 'content-type': 'application/json' };
const throttled = new Error('throttled');

let server;
before(async () => {
  server = await new Server().start();
});
after(() => server.stop());

/** A key management service that refuses the calls with these numbers. */
class Kms {
  calls = 0;
  #key = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  constructor(...refused) {
    this.refused = refused;
  }

  async sign(input) {
    this.calls += 1;
    const refused = this.refused.includes(this.calls);
    await new Promise(setImmediate);
    if (refused) throw throttled;
    return { der: sign('sha256', input, { key: this.#key.privateKey, dsaEncoding: 'der' }) };
  }

  get jwk() {
    return { ...this.#key.publicKey.export({ format: 'jwk' }), kid: 'kms-1', alg: 'ES256', use: 'sig' };
  }

  get signer() {
    return new Signer({ algorithm: 'ES256', publicKey: this.jwk, sign: (input) => this.sign(input) });
  }
}

const signerBy = (sign) => new Signer({ algorithm: 'ES256', publicKey: new Kms().jwk, sign });

function apiOf(key, options = {}) {
  const events = ['caep.session-revoked'];
  return new StreamApi({ issuer: ISSUER, key, outbox: Outbox.inMemory(), events, longPoll: 0, ...options });
}

/** An API whose handlers tell this function of errors. */
const telling = (api, onError) => ({
  serves: (path) => api.serves(path),
  nodeHandler: (find) => api.nodeHandler(find, { onError }),
  fetchHandler: (find) => api.fetchHandler(find, { onError }),
});

async function create(delivery) {
  const options = { body: { events_requested: [REVOKED], delivery }, headers: HEADERS };
  const { status, body } = await server.request('POST', '/ssf/streams', options);
  assert.equal(status, 201);
  return `/ssf/poll/${body.stream_id}`;
}

const poll = (target, body = {}) => server.request('POST', target, { body, headers: HEADERS });

/** A poll that the transmitter cannot answer, of which it tells the receiver nothing. */
async function fails(target) {
  const { status, headers, body } = await poll(target);
  const told = { err: 'temporarily_unavailable', description: 'the transmitter cannot answer now' };
  assert.deepEqual([status, headers['retry-after'], body], [503, '5', told]);
}

const publish = async (api, ...users) => {
  const jtis = [];
  for (const user of users) {
    const subject = { format: 'email', email: `${user}@example.com` };
    jtis.push(...(await api.publish(caep.sessionRevoked(), subject)).jtis);
  }
  return jtis;
};

for (const [name, mount] of Object.entries(MOUNTS)) {
  test(`${name}: a signer signs what receivers poll`, async () => {
    const kms = new Kms(2);
    const outbox = Outbox.inMemory();
    const api = apiOf(kms.signer, { outbox });
    const errors = [];
    const onError = (error, { method, url }) => errors.push([error, method, new URL(url, ISSUER).pathname]);
    server.listener = await mount(telling(api, onError), authenticator());
    const target = await create();
    const published = await publish(api, 'ada', 'bob', 'eve');

    await fails(target);
    const [[error, ...request], ...others] = errors;
    assert.ok(error instanceof SsfError);
    assert.deepEqual([error.code, error.cause, others], ['SSF_SIGNER_FAILED', throttled, []]);
    assert.deepEqual(request, ['POST', target]);

    // Nothing is lost, and what was signed is not signed again.
    const { status, body } = await poll(target);
    assert.deepEqual([status, Object.keys(body.sets), kms.calls], [200, published, 4]);
    const keys = createLocalJWKSet((await server.request('GET', '/ssf/jwks.json')).body);
    for (const [jti, set] of Object.entries(body.sets)) {
      const expected = { issuer: ISSUER, audience: AUDIENCE, typ: 'secevent+jwt' };
      const { payload, protectedHeader } = await jwtVerify(set, keys, expected);
      assert.deepEqual(protectedHeader, { alg: 'ES256', kid: 'kms-1', typ: 'secevent+jwt' });
      assert.deepEqual([payload.jti, Object.keys(payload.events)], [jti, [REVOKED]]);
    }
    assert.deepEqual((await poll(target, { ack: published })).body, { sets: {} });
    assert.equal((await outbox.counts()).delivered, 3);
    assert.equal(errors.length, 1);
  });
}

test('a signer that gives nonsense, or does not answer', async () => {
  for (const [sign, code, lease] of [
    [() => 'nonsense', 'SSF_SIGNATURE_MALFORMED', 60_000],
    [() => new Uint8Array(63), 'SSF_SIGNATURE_MALFORMED', 60_000],
    // A signature may take half of the lease.
    [() => new Promise(() => {}), 'SSF_DEADLINE_EXCEEDED', 1000],
  ]) {
    const errors = [];
    const api = apiOf(signerBy(sign), { lease });
    server.listener = await MOUNTS.hono(
      telling(api, (error) => errors.push(error.code)),
      authenticator(),
    );
    const target = await create();
    await publish(api, 'ada');
    await fails(target);
    assert.deepEqual(errors, [code]);
  }
});

test('a client that disconnects while its SETs are signed gets none of them', async () => {
  const events = new EventEmitter();
  const errors = [];
  const asked = once(events, 'asked');
  const silent = signerBy(() => {
    events.emit('asked');
    return new Promise(() => {});
  });
  const api = apiOf(silent, { lease: 3_600_000 });
  const handle = api.nodeHandler(({ headers }) => authenticator()(headers.authorization), {
    onError: (error) => errors.push(error),
  });
  let ended;
  server.listener = (...request) => {
    ended = handle(...request);
  };
  const target = await create();
  await publish(api, 'ada');
  const request = server.begin('POST', target, { body: {}, headers: HEADERS });
  request.on('error', () => {});
  await asked;
  request.destroy();
  await ended;
  assert.deepEqual([(await poll(target)).body, errors], [{ sets: {} }, []]);
});

test('what a mount cannot answer is a warning of the process by default', async () => {
  for (const name of ['node:http', 'hono']) {
    const api = apiOf(new Kms(1).signer);
    server.listener = await MOUNTS[name](api, authenticator());
    const target = await create();
    await publish(api, 'ada');
    const warned = once(process, 'warning');
    await fails(target);
    const [warning] = await warned;
    assert.deepEqual([warning.code, warning.cause], ['SSF_SIGNER_FAILED', throttled]);
  }
});

test('the function that is told of errors may fail, and authenticate too', async () => {
  const api = apiOf(await SigningKey.generate('P-256'));
  const away = new Error('the directory is away');
  const find = () => {
    throw away;
  };
  const errors = [];
  const onError = async (error) => {
    errors.push(error);
    throw new Error('the log is away');
  };
  server.listener = api.nodeHandler(find, { onError });
  const warned = once(process, 'warning');
  const [response] = await once(server.begin('GET', '/ssf/streams'), 'response');
  response.resume();
  assert.deepEqual([response.statusCode, errors], [500, [away]]);
  assert.equal((await warned)[0].message, 'the log is away');
  assert.throws(() => api.fetchHandler(find, { onError: 'log' }), /onError: expected a function/);
  assert.throws(() => api.fetchHandler(find, { limitByAddress: true }), ConfigError);
});

test('a signer rotates to a key of the process', async () => {
  const kms = new Kms();
  const own = await SigningKey.generate('P-256');
  const keys = new KeySet(kms.signer);
  const api = apiOf(keys);
  server.listener = await MOUNTS.express(api, authenticator());
  const target = await create();
  const found = [];
  for (const rotate of [() => keys.stage(own), () => {}]) {
    await publish(api, 'ada');
    const { sets } = (await poll(target)).body;
    const [[jti, set]] = Object.entries(sets);
    found.push(JSON.parse(Buffer.from(set.split('.')[0], 'base64url')).kid);
    await poll(target, { ack: [jti] });
    rotate();
    if (keys.next !== undefined) keys.rotate({ publishedFor: 0 });
  }
  assert.deepEqual([found, kms.calls], [['kms-1', own.kid], 1]);
});

test('a worker with a signer sends to push streams', async (t) => {
  const kms = new Kms();
  const emulator = await startReceiver({ issuer: ISSUER, keys: { keys: [kms.jwk] } });
  t.after(() => emulator.stop());
  const outbox = Outbox.inMemory();
  const { signer } = kms;
  const api = apiOf(signer, { outbox, push: true, allowLoopback: true });
  server.listener = await MOUNTS.express(api, authenticator(emulator.audience));
  await create({ method: 'urn:ietf:rfc:8935', endpoint_url: emulator.url });
  await publish(api, 'ada');
  const transmitter = new Transmitter({ issuer: ISSUER, key: signer });
  const worker = new Worker(outbox, transmitter, { receivers: {}, streams: api });
  assert.deepEqual(await worker.drain(), { delivered: 1, failed: 0 });
  emulator.assertReceived('caep.session-revoked', ADA);
});

test('the public key of a signer must be known', () => {
  const signer = new Signer({ algorithm: 'ES256', kid: 'kms-1', sign: () => new Uint8Array() });
  assert.throws(() => apiOf(signer), { code: 'SSF_SIGNER_PUBLIC_KEY_MISSING' });
});
