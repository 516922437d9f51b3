// The members of what every language returns: tests/vectors/records.json.

import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import pg from 'pg';
import { caep, explain, lint, SsfError } from 'ssf-transmitter';
import { Outbox, Worker } from 'ssf-transmitter/outbox';
import { ADA, folder, pair, postgresUrl } from './setup.mjs';

const { records } = JSON.parse(readFileSync(new URL('../../tests/vectors/records.json', import.meta.url), 'utf8'));

/** The members of one record, or of several of which some have no value for a member. */
const members = (records) => [...new Set([records].flat().flatMap(membersOf))].sort();

/** Own properties and getters, without those that every error has. */
function membersOf(record) {
  const own = Object.getOwnPropertyNames(record);
  const inherited = [];
  for (
    let prototype = Object.getPrototypeOf(record);
    prototype !== Object.prototype && prototype !== Error.prototype;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const described = Object.entries(Object.getOwnPropertyDescriptors(prototype));
    inherited.push(...described.filter(([, { get }]) => get !== undefined).map(([name]) => name));
  }
  return [...own, ...inherited].filter((name) => name !== 'stack');
}

/** What an outbox tells of a delivery that was rejected, one that was replaced and one that waits for a time. */
async function ofAnOutbox(t) {
  const rejected = { status: { status: 400, err: 'invalid_request', description: 'No.' } };
  const { transmitter, to } = await pair(t, { emulator: { script: { rules: [{ nth: 2, fault: rejected }] } } });
  const path = join(folder(t), 'outbox.db');
  const outbox = new Outbox(path);
  t.after(() => outbox.close());
  const event = caep.sessionRevoked();
  const notBefore = new Date(Date.now() + 3_600_000);
  await outbox.enqueue(event, ADA, { to: 'acme', supersedes: 'risk', priority: 'low' });
  await outbox.enqueue(event, ADA, { to: 'acme', supersedes: 'risk', notBefore });
  const database = new Outbox(postgresUrl(), { schema: 'records_node', migrate: true });
  t.after(() => database.close());
  const holder = new pg.Client({ connectionString: postgresUrl() });
  await holder.connect();
  t.after(() => holder.end());
  await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
  const worker = new Worker(outbox, transmitter, { receivers: { acme: to } });
  await outbox.enqueue(event, ADA, { to: 'acme' });
  await worker.drain();
  const enqueued = await outbox.enqueue(event, ADA, { to: 'acme' });
  const drained = await worker.drain();
  // The worker does not find it, so it is paused until a time.
  await outbox.enqueue(event, ADA, { to: 'nobody' });
  await worker.drain();
  const history = await outbox.history(enqueued.jtis[0]);
  const found = {
    Enqueued: enqueued,
    OutboxCounts: await outbox.counts(),
    OutboxHealth: [await outbox.health(), await database.health()],
    Delivery: await outbox.list(),
    History: history,
    Attempt: history.attempts,
    Failure: history.delivery.failure,
    OutboxReceiver: await outbox.receivers(),
    Drained: drained,
  };
  // The store fails when its file is gone.
  rmSync(path);
  await assert.rejects(worker.drain(), { code: 'SSF_OUTBOX_REPLACED' });
  return { ...found, WorkerHealth: worker.health };
}

test('every record has the members of the table', async (t) => {
  const { emulator, to, transmitter } = await pair(t);
  t.after(() => transmitter.close());
  const event = caep.sessionRevoked();
  const receipt = await transmitter.emit(event, ADA, { to });
  const diagnosis = await transmitter.doctor(event, ADA, { to });
  const explanation = explain('', { status: 400, body: '{"err":"invalid_key"}' }, { dialect: 'okta' });
  const finding = {};
  const error = new SsfError('SSF_INTERNAL', 'x', {
    pointer: '/x',
    status: 400,
    retryAfter: 1,
    receiverError: 'x',
    receiverDescription: 'x',
    findings: [finding],
    cause: new Error('x'),
  });
  const found = {
    Finding: lint({ event, subject: ADA }, { dialect: 'okta' })[0],
    Explanation: { ...explanation, said: explanation.said },
    Receipt: receipt,
    Error: error,
    Counters: transmitter.counters,
    Diagnosis: diagnosis,
    Check: diagnosis.checks[0],
    ...(await ofAnOutbox(t)),
  };
  assert.equal(emulator.requests.length, 1);
  assert.deepEqual(Object.keys(found).sort(), Object.keys(records).sort());
  for (const [name, { node }] of Object.entries(records)) {
    assert.deepEqual(members(found[name]), [...node].sort(), name);
  }
});
