// The event loop, worker threads, and the end of processes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { caep, Receiver, SigningKey, Transmitter } from 'ssf-transmitter';
import { startReceiver } from 'ssf-transmitter/testing';
import { ADA, ISSUER, run } from './setup.mjs';

const PREPARED = `
  import { caep, Receiver, SigningKey, Transmitter } from 'ssf-transmitter';
  import { startReceiver } from 'ssf-transmitter/testing';
  const issuer = 'https://edr.example.com';
  const key = await SigningKey.generate('P-256');
  const transmitter = new Transmitter({ issuer, key });
  const subject = { format: 'opaque', id: '1' };
  const event = caep.sessionRevoked();
`;

test('the event loop turns while SETs are signed', async () => {
  const key = await SigningKey.generate('RSA-2048');
  const transmitter = new Transmitter({ issuer: ISSUER, key });
  const to = new Receiver({
    endpoint: 'https://receiver.example.net/events',
    audience: 'https://receiver.example.net',
  });
  let left = 2000;
  const lane = async () => {
    while (left-- > 0) await transmitter.sign(caep.sessionRevoked(), ADA, { to });
  };
  let signing = true;
  const signed = Promise.all(Array.from({ length: 32 }, lane)).finally(() => {
    signing = false;
  });
  let turns = 0;
  while (signing) {
    await new Promise(setImmediate);
    turns++;
  }
  await signed;
  // Signatures made on the loop settle before it turns again: all 2,000 would take one turn. How long a turn takes is
  // measured by the benchmark.
  assert.ok(turns > 2000 / 32, `${turns} turns`);
});

test('a process without pending calls ends by itself', async () => {
  const { code, stdout, stderr } = await run(`${PREPARED}
    const emulator = await startReceiver({ issuer, keys: key });
    const to = emulator.receiver();
    console.log((await transmitter.emit(event, subject, { to })).status);
  `);
  assert.deepEqual([code, stdout, stderr], [0, '202\n', '']);
});

test('a process waits for pending calls', async () => {
  const { code, stdout } = await run(`${PREPARED}
    const script = { rules: [{ fault: { slow_headers: { ms: 200 } } }] };
    const emulator = await startReceiver({ issuer, keys: key, script });
    transmitter.emit(event, subject, { to: emulator.receiver() }).then(({ status }) => console.log(status));
  `);
  assert.deepEqual([code, stdout], [0, '202\n']);
});

test('a process may be ended at any time', async () => {
  const rounds = Array.from({ length: 12 }, (_, index) => index);
  const endings = await Promise.all(
    rounds.map((index) =>
      run(`${PREPARED}
        const rsa = await SigningKey.generate('RSA-2048');
        const busy = new Transmitter({ issuer, key: rsa });
        const emulator = await startReceiver({ issuer, keys: rsa });
        const to = emulator.receiver();
        for (let n = 0; n < 200; n++) busy.emit(event, subject, { to }).catch(() => {});
        setTimeout(() => process.exit(7), ${index * 7});
      `),
    ),
  );
  for (const { code, signal, stderr } of endings) assert.deepEqual([code, signal, stderr], [7, null, '']);
});

test('a result does not wait for others that take long', async () => {
  const key = await SigningKey.generate('P-256');
  const emulator = await startReceiver({ issuer: ISSUER, keys: key, script: { rules: [{ fault: 'never' }] } });
  const transmitter = new Transmitter({ issuer: ISSUER, key });
  const [to, ending] = [emulator.receiver(), new AbortController()];
  let done = 0;
  const slow = Array.from({ length: 40 }, () =>
    transmitter.emit(caep.sessionRevoked(), ADA, { to, signal: ending.signal }).finally(() => done++),
  );
  for (let n = 0; n < 20; n++) await transmitter.sign(caep.sessionRevoked(), ADA, { to });
  assert.equal(done, 0);
  ending.abort();
  await Promise.allSettled(slow);
  await emulator.stop();
});

const WORKER = `
  const { parentPort } = require('node:worker_threads');
  const { caep, SigningKey, Transmitter } = require('ssf-transmitter');
  const { startReceiver } = require('ssf-transmitter/testing');
  (async () => {
    const issuer = 'https://edr.example.com';
    const key = await SigningKey.generate('P-256');
    const emulator = await startReceiver({ issuer, keys: key });
    const transmitter = new Transmitter({ issuer, key });
    const emit = () => transmitter.emit(caep.sessionRevoked(), { format: 'opaque', id: '1' }, { to: emulator.receiver() });
    const receipts = await Promise.all(Array.from({ length: 20 }, emit));
    parentPort.postMessage(receipts.map(({ status }) => status));
    if (WAITS) for (;;) await Promise.all(Array.from({ length: 20 }, emit));
    await emulator.stop();
  })();
`;
const inWorker = (waits) =>
  new Worker(WORKER.replace('WAITS', String(waits)), { eval: true, resourceLimits: {}, stdout: false });
const message = (worker) =>
  new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });

test('worker threads send side by side, and end', async () => {
  const workers = Array.from({ length: 4 }, () => inWorker(false));
  const exits = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  for (const statuses of await Promise.all(workers.map(message))) assert.deepEqual(statuses, Array(20).fill(202));
  assert.deepEqual(await Promise.all(exits), [0, 0, 0, 0]);
});

test('a worker may be terminated with pending deliveries; others and the main thread continue', async () => {
  const [first, second] = [inWorker(true), inWorker(true)];
  await Promise.all([message(first), message(second)]);
  await first.terminate();
  const key = await SigningKey.generate('P-256');
  assert.equal(key.algorithm, 'ES256');
  await second.terminate();
  assert.equal((await SigningKey.generate('Ed25519')).algorithm, 'EdDSA');
});

test('Node has its own OpenSSL, and goes on using it', async () => {
  const { createHash, createSign, createVerify, generateKeyPairSync, getCiphers } = await import('node:crypto');
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ours = await SigningKey.fromPem(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const signature = createSign('sha256').update('x').sign(privateKey);
  assert.ok(createVerify('sha256').update('x').verify(publicKey, signature));
  assert.equal(ours.publicJwk.n, publicKey.export({ format: 'jwk' }).n);
  assert.ok(getCiphers().length > 10 && createHash('sha256').update('').digest('hex').startsWith('e3b0c442'));
});
