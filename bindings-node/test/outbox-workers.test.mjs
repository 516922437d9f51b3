// Workers: receivers that are found, alerts, signatures of JavaScript, and how they end.

import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { ConfigError, caep, Signer, Transmitter } from 'ssf-transmitter';
import { Outbox, Worker } from 'ssf-transmitter/outbox';
import { startReceiver } from 'ssf-transmitter/testing';
import { ADA, always, eventually, ISSUER, pair } from './setup.mjs';

const EVENT = caep.sessionRevoked();
const DELIVERED = (delivered, failed = 0) => ({ delivered, failed });

async function filled(count, to = 'acme') {
  const outbox = Outbox.inMemory();
  await outbox.enqueueMany(Array.from({ length: count }, () => ({ event: EVENT, subject: ADA, to })));
  return outbox;
}

test('a worker runs until it is stopped, and keeps what it found', async (t) => {
  const { transmitter, to } = await pair(t);
  const outbox = Outbox.inMemory();
  const asked = [];
  const receivers = (name) => {
    asked.push(name);
    return to;
  };
  const worker = new Worker(outbox, transmitter, { receivers });
  const none = { inFlight: 0, delivered: 0, failed: 0, lost: 0, storeErrors: 0 };
  assert.deepEqual(worker.health, none);
  const running = worker.run();
  await assert.rejects(worker.run(), ConfigError);
  for (let n = 0; n < 5; n++) await outbox.enqueue(EVENT, ADA, { to: 'acme' });
  await eventually(async () => (await outbox.counts()).delivered === 5);
  assert.deepEqual(asked, ['acme']);
  await worker.stop();
  assert.equal(await running, undefined);
  assert.deepEqual(worker.health, { ...none, delivered: 5 });
  // It was ended for good.
  await outbox.enqueue(EVENT, ADA, { to: 'acme' });
  await worker.run();
  assert.equal((await outbox.counts()).waiting, 1);
});

for (const [form, receivers] of Object.entries({
  'an object': (to) => ({ acme: to }),
  'a Map': (to) => new Map([['acme', to]]),
  'a function': (to) => (name) => (name === 'acme' ? to : undefined),
  'an async function': (to) => async (name) => {
    await new Promise(setImmediate);
    return name === 'acme' ? to : null;
  },
})) {
  test(`receivers are given as ${form}; an unknown one is paused until it is known`, async (t) => {
    const { transmitter, to } = await pair(t);
    const outbox = Outbox.inMemory();
    await outbox.enqueue(EVENT, ADA, { to: ['acme', 'constructor'] });
    const alerts = [];
    const onAlert = (receiver, failure) => alerts.push([receiver, failure?.code]);
    assert.deepEqual(
      await new Worker(outbox, transmitter, { receivers: receivers(to), onAlert }).drain(),
      DELIVERED(1, 1),
    );
    assert.deepEqual(alerts, [['constructor', 'SSF_RECEIVER_UNKNOWN']]);
    const [, unknown] = await outbox.receivers();
    assert.deepEqual([unknown.status, unknown.failure.code], ['paused', 'SSF_RECEIVER_UNKNOWN']);
    assert.ok(unknown.resumeAt instanceof Date);
    await outbox.release('constructor');
    assert.deepEqual(await new Worker(outbox, transmitter, { receivers: () => to }).drain(), DELIVERED(1));
  });
}

test('a running worker finds a receiver that becomes known', async (t) => {
  const { transmitter, to } = await pair(t);
  const outbox = await filled(1);
  const known = new Map();
  const alerts = [];
  const worker = new Worker(outbox, transmitter, {
    receivers: (name) => known.get(name),
    onAlert: async (name, failure) => {
      await new Promise(setImmediate);
      alerts.push([name, failure?.code]);
    },
  });
  const running = worker.run();
  await eventually(() => alerts.length === 1);
  known.set('acme', to);
  await outbox.release('acme');
  await eventually(async () => (await outbox.counts()).delivered === 1);
  await worker.stop();
  await running;
});

test('a receiver that rejects the sender is paused with one alert', async (t) => {
  const broken = await pair(t, { emulator: { script: always({ status: { status: 403 } }) } });
  const outbox = await filled(3);
  const alerts = [];
  const options = { onAlert: (...alert) => alerts.push(alert) };
  const work = ({ transmitter, to }) =>
    new Worker(outbox, transmitter, { ...options, receivers: { acme: to } }).drain();
  assert.deepEqual(await work(broken), DELIVERED(0, 3));
  assert.equal(alerts.length, 1);
  const [[name, failure]] = alerts;
  assert.deepEqual([name, failure.code, failure.status], ['acme', 'SSF_RECEIVER_UNAUTHORIZED', 403]);
  const [{ status, waiting, dead }] = await outbox.receivers();
  assert.deepEqual([status, waiting, dead], ['paused', 3, 0]);
  await outbox.release('acme');
  assert.deepEqual(await work(await pair(t)), DELIVERED(3));
});

test('what a function throws is told, and the worker goes on', async (t) => {
  const { transmitter, to } = await pair(t);
  const away = new Error('the database is away');
  for (const receivers of [
    () => {
      throw away;
    },
    () => Promise.reject(away),
  ]) {
    const outbox = await filled(1);
    const errors = [];
    const onError = (error) => errors.push(error);
    assert.deepEqual(await new Worker(outbox, transmitter, { receivers, onError }).drain(), DELIVERED(0, 1));
    const [{ status, failure }] = await outbox.receivers();
    assert.deepEqual([errors, status, failure.code], [[away], 'paused', 'SSF_RECEIVER_UNKNOWN']);
    assert.doesNotMatch(failure.message, /database/);
  }

  // By default it is a warning, and so is what onAlert and onError throw.
  const warned = [];
  const warn = (warning) => warned.push(warning);
  process.on('warning', warn);
  t.after(() => process.off('warning', warn));
  const outbox = await filled(1);
  const onAlert = () => Promise.reject(away);
  await new Worker(outbox, transmitter, { receivers: {}, onAlert }).drain();
  await eventually(() => warned.length === 1);
  assert.equal(warned[0], away);
  const onError = () => {
    throw new Error('again');
  };
  await outbox.release('acme');
  await new Worker(outbox, transmitter, { receivers: {}, onAlert, onError }).drain();
  await eventually(() => warned.length === 2);
  assert.equal(warned[1].message, 'again');

  const errors = [];
  const wrong = await filled(1);
  await new Worker(wrong, transmitter, { receivers: { acme: 'acme' }, onError: (error) => errors.push(error) }).drain();
  assert.match(errors[0].message, /^receivers: expected a Receiver, got a string/);
  const [{ failure }] = await wrong.receivers();
  assert.equal(failure.code, 'SSF_CONFIGURATION_INVALID');
  await wrong.release('acme');
  assert.deepEqual(await new Worker(wrong, transmitter, { receivers: { acme: to } }).drain(), DELIVERED(1));
});

test('a worker asks the function of a signer, and a failure of it spends no attempt', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({ format: 'jwk' }) };
  const keys = { keys: [{ ...jwk, kid: 'kms-1', alg: 'ES256', use: 'sig' }] };
  const emulator = await startReceiver({ issuer: ISSUER, keys });
  t.after(() => emulator.stop());
  const by = (sign, more = {}) =>
    new Transmitter({ issuer: ISSUER, key: new Signer({ algorithm: 'ES256', kid: 'kms-1', sign }), ...more });
  const der = (input) => ({ der: new Uint8Array(sign('sha256', input, privateKey)) });
  const kms = async (input) => {
    await new Promise(setImmediate);
    return der(input);
  };
  const receivers = { acme: emulator.receiver() };
  for (const sign of [der, kms]) {
    const outbox = await filled(20);
    assert.deepEqual(await new Worker(outbox, by(sign), { receivers }).drain(), DELIVERED(20));
  }
  assert.equal(emulator.requests[0].header.kid, 'kms-1');

  const away = new Error('no signature today');
  for (const [sign, code, told, attempts, options] of [
    [() => Promise.reject(away), 'SSF_SIGNER_FAILED', away, 0],
    [() => 'nonsense', 'SSF_SIGNATURE_MALFORMED', undefined, undefined],
    [() => new Promise(() => {}), 'SSF_DEADLINE_EXCEEDED', undefined, 1, { deadline: 200 }],
  ]) {
    const outbox = await filled(1);
    const errors = [];
    const onError = (error) => errors.push(error);
    await new Worker(outbox, by(sign, options), { receivers, onError }).drain();
    const [{ state, failure, attempts: spent }] = await outbox.list();
    assert.deepEqual([failure.code, state], [code, 'waiting']);
    if (attempts !== undefined) assert.equal(spent, attempts);
    if (told !== undefined) assert.deepEqual(errors, [told]);
  }
});

test('a closed transmitter ends the worker, and what waits is kept', async (t) => {
  const { transmitter, to } = await pair(t);
  const outbox = await filled(1);
  await transmitter.close();
  const worker = new Worker(outbox, transmitter, { receivers: { acme: to } });
  await assert.rejects(worker.run(), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.code, 'SSF_TRANSMITTER_CLOSED');
    return true;
  });
  assert.equal((await outbox.counts()).waiting, 1);
});

test('a signal stops a worker gracefully', async (t) => {
  const slow = { emulator: { script: always({ slow_headers: { ms: 200 } }) } };
  const { transmitter, to } = await pair(t, slow);
  for (const way of ['run', 'drain']) {
    const outbox = await filled(1);
    const worker = new Worker(outbox, transmitter, { receivers: { acme: to } });
    const controller = new AbortController();
    const running = worker[way]({ signal: controller.signal });
    await eventually(() => worker.health.inFlight === 1);
    const reason = new Error('enough');
    controller.abort(reason);
    await assert.rejects(running, reason);
    assert.equal((await outbox.counts()).delivered, 1);
    await assert.rejects(worker[way]({ signal: controller.signal }), reason);
  }
});

test('what has not ended within the grace is released, and spends no attempt', async (t) => {
  const { transmitter, to } = await pair(t, { emulator: { script: always('never') } });
  const outbox = await filled(3);
  const worker = new Worker(outbox, transmitter, { receivers: { acme: to }, grace: 0 });
  const running = worker.run();
  await eventually(() => worker.health.inFlight === 3);
  await worker[Symbol.asyncDispose]();
  await running;
  const all = await outbox.list();
  assert.deepEqual(
    all.map(({ state, attempts }) => [state, attempts]),
    Array(3).fill(['waiting', 0]),
  );
});

test('a receiver that is never found delays no other one', async (t) => {
  const { transmitter, to } = await pair(t);
  const outbox = Outbox.inMemory();
  await outbox.enqueue(EVENT, ADA, { to: ['never', 'acme'] });
  const receivers = (name) => (name === 'acme' ? to : new Promise(() => {}));
  const worker = new Worker(outbox, transmitter, { receivers, grace: 0 });
  const running = worker.run();
  await eventually(() => worker.health.delivered === 1);
  await worker.stop();
  await running;
});

test('a receiver that is not found before the deadline is a failure', async (t) => {
  const { transmitter } = await pair(t, { transmitter: { deadline: 300 } });
  const receivers = () => new Promise(() => {});
  assert.deepEqual(await new Worker(await filled(1), transmitter, { receivers }).drain(), DELIVERED(0, 1));
});

test('a worker reports the errors of its store, and goes on', async (t) => {
  const { transmitter, to } = await pair(t);
  const outbox = Outbox.inMemory();
  const worker = new Worker(outbox, transmitter, { receivers: { acme: to } });
  const running = worker.run();
  await outbox.enqueue(EVENT, ADA, { to: 'acme' });
  await eventually(() => worker.health.delivered === 1);
  await worker.stop();
  await running;
  await outbox.close();
  await assert.rejects(new Worker(outbox, transmitter, { receivers: {} }).drain(), { code: 'SSF_OUTBOX_UNAVAILABLE' });
});

test('wrong arguments are named', async (t) => {
  const { transmitter, to } = await pair(t);
  const outbox = Outbox.inMemory();
  for (const [make, pointer] of [
    [() => new Worker({}, transmitter, { receivers: {} }), '/outbox'],
    [() => new Worker(outbox, {}, { receivers: {} }), '/transmitter'],
    [() => new Worker(outbox, transmitter), undefined],
    [() => new Worker(outbox, transmitter, {}), '/receivers'],
    [() => new Worker(outbox, transmitter, { receivers: [] }), '/receivers'],
    [() => new Worker(outbox, transmitter, { receivers: { acme: to }, onAlert: 1 }), '/onAlert'],
    [() => new Worker(outbox, transmitter, { receivers: {}, concurency: 1 }), '/concurency'],
    [() => new Worker(outbox, transmitter, { receivers: {}, concurrency: 0 }), '/concurrency'],
    [() => new Worker(outbox, transmitter, { receivers: {}, lease: Number.NaN }), '/lease'],
  ]) {
    assert.throws(make, (error) => {
      assert.ok(error instanceof ConfigError, error.stack);
      assert.deepEqual([error.code, error.pointer], ['SSF_CONFIGURATION_INVALID', pointer]);
      return true;
    });
  }
  await assert.rejects(new Worker(outbox, transmitter, { receivers: {}, poll: 0 }).run(), {
    code: 'SSF_CONFIGURATION_INVALID',
  });
  await assert.rejects(new Worker(outbox, transmitter, { receivers: {} }).run({ signal: 1 }), { pointer: '/signal' });
});
