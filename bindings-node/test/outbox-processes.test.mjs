// One file and several threads and processes, however they end. What was acknowledged is kept.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';
import { caep } from 'ssf-transmitter';
import { Outbox, Worker } from 'ssf-transmitter/outbox';
import { ADA, eventually, folder, pair } from './setup.mjs';

const PROGRAM = fileURLToPath(new URL('./hosts/outbox.cjs', import.meta.url));
const EVENT = caep.sessionRevoked();

/** Starts a role of the program, and collects the jtis that it tells. */
function start(...options) {
  const child = spawn(process.execPath, [PROGRAM, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  const told = () => output.split('\n').slice(0, -1);
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, errors }));
  });
  return { child, told, ended };
}

/** Everything that was acknowledged is in the file, which is whole. */
async function assertKept(path, told) {
  const outbox = new Outbox(path);
  const kept = new Set((await outbox.list({ limit: 1_000_000 })).map(({ jti }) => jti));
  assert.deepEqual(
    told.filter((jti) => !kept.has(jti)),
    [],
  );
  const { enqueued, waiting, inFlight, delivered, dead } = await outbox.counts();
  assert.equal(enqueued, waiting + inFlight + delivered + dead);
  assert.deepEqual(await outbox.check(), []);
  await outbox.close();
}

test('what a killed process was told is there', async (t) => {
  const path = join(folder(t), 'outbox.db');
  for (let round = 0; round < 3; round++) {
    const { child, told, ended } = start('enqueue', path);
    await eventually(() => told().length >= 20);
    child.kill('SIGKILL');
    assert.equal((await ended).signal, 'SIGKILL');
    await assertKept(path, told());
  }
});

test('a process that exits while it enqueues and works ends at once, and loses nothing', async (t) => {
  const place = folder(t);
  const endings = Array.from({ length: 6 }, async (_, index) => {
    const path = join(place, `${index}.db`);
    const { told, ended } = start('exit', path, String(100 + index * 40));
    assert.deepEqual(await ended, { code: 7, signal: null, errors: '' });
    await assertKept(path, told());
  });
  await Promise.all(endings);
});

for (const [role, count] of [
  ['few', 5],
  ['fork', 35],
  ['cluster', 15],
]) {
  test(`processes of a program share a file: ${role}`, async (t) => {
    const path = join(folder(t), 'outbox.db');
    const { told, ended } = start(role, path);
    assert.deepEqual(await ended, { code: 0, signal: null, errors: '' });
    assert.equal(new Set(told()).size, count);
    await assertKept(path, told());
  });
}

for (const ending of ['exit', 'throw', 'terminate']) {
  test(`threads that enqueue and work may end at any time: ${ending}`, async (t) => {
    const path = join(folder(t), 'outbox.db');
    const { told, ended } = start('threads', path, ending, '8');
    assert.deepEqual(await ended, { code: 0, signal: null, errors: '' });
    assert.ok(told().length >= 8 * 10, `${told().length} were told`);
    await assertKept(path, told());
  });
}

test('two threads share a file: one enqueues, the other one sends', async (t) => {
  const { emulator, transmitter, to } = await pair(t);
  const path = join(folder(t), 'outbox.db');
  const outbox = new Outbox(path);
  const worker = new Worker(outbox, transmitter, { receivers: { acme: to } });
  const running = worker.run();
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { Outbox } = require('ssf-transmitter/outbox');
    (async () => {
      const outbox = new Outbox(workerData.path);
      const entry = { event: workerData.event, subject: workerData.subject, to: 'acme' };
      for (let n = 0; n < 50; n++) await outbox.enqueueMany([entry, entry]);
      await outbox.close();
    })();
  `;
  const workerData = { path, event: EVENT, subject: ADA };
  const threads = Array.from({ length: 2 }, () => new Thread(script, { eval: true, workerData }));
  const codes = await Promise.all(threads.map((thread) => new Promise((resolve) => thread.on('exit', resolve))));
  assert.deepEqual(codes, [0, 0]);
  await eventually(async () => (await outbox.counts()).delivered === 200);
  await worker.stop();
  await running;
  await outbox.close();
  const accepted = Object.values(emulator.accepted);
  assert.deepEqual([accepted.length, Math.max(...accepted)], [200, 1]);
});

const sqlite = await import('node:sqlite').catch(() => undefined);
const skip = sqlite === undefined && `Node ${process.versions.node} has no node:sqlite`;

test('another SQLite in the process: what the outbox has acknowledged is there', { skip }, async (t) => {
  const path = join(folder(t), 'outbox.db');
  const outbox = new Outbox(path);
  const told = [];
  const enqueue = async () => told.push(...(await outbox.enqueue(EVENT, ADA, { to: 'acme' })).jtis);
  const openAndClose = () => {
    const other = new sqlite.DatabaseSync(path);
    other.prepare('SELECT count(*) FROM deliveries').get();
    other.close();
  };
  for (let n = 0; n < 10; n++) await enqueue();
  openAndClose();
  if (process.platform === 'linux') {
    // The guard of the store keeps the other copy from removing the log.
    for (let n = 0; n < 50; n++) {
      const accepted = enqueue();
      openAndClose();
      await accepted;
    }
  } else {
    for (let n = 0; n < 3; n++) await assert.rejects(enqueue(), { code: 'SSF_OUTBOX_REPLACED' });
  }
  await outbox.close();
  await assertKeptElsewhere(path, told);
});

/** What was acknowledged is there for another process: this one cannot use the file any more. */
async function assertKeptElsewhere(path, told) {
  const { told: kept, ended } = start('kept', path);
  assert.deepEqual(await ended, { code: 0, signal: null, errors: '' });
  assert.deepEqual(
    told.filter((jti) => !kept().includes(jti)),
    [],
  );
}
