// Events in transactions of other drivers: committed and rolled back with them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import postgres from 'postgres';
import { caep } from 'ssf-transmitter';
import { Outbox, Worker } from 'ssf-transmitter/outbox';
import { ADA, pair } from './setup.mjs';

const url = process.env.SSF_TEST_POSTGRES;
if (url === undefined) {
  throw new Error('SSF_TEST_POSTGRES is not set: `cargo xtask test node` sets it');
}

/** Two statements of an outbox, and what was delivered of them. */
async function begin(t, schema) {
  const { emulator, transmitter, to } = await pair(t);
  const workers = new Outbox(url, { schema, migrate: true });
  await workers.counts();
  const worker = () => new Worker(workers, transmitter, { receivers: { acme: to } }).drain();
  const outbox = new Outbox(url, { schema });
  const statement = () => outbox.statement(caep.sessionRevoked(), ADA, { to: 'acme' });
  const delivered = async () => {
    await worker();
    assert.equal((await workers.health()).refused, 0);
    await workers.close();
    return emulator.received.map(({ jti }) => jti);
  };
  return { gone: statement(), kept: statement(), delivered };
}

test('pg', async (t) => {
  const { gone, kept, delivered } = await begin(t, `node_pg_${process.pid}`);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const [{ sql, parameters }, end] of [
    [gone, 'ROLLBACK'],
    [kept, 'COMMIT'],
  ]) {
    await client.query('BEGIN');
    await client.query(sql, parameters);
    await client.query(end);
  }
  await client.end();
  assert.deepEqual(await delivered(), kept.jtis);
});

test('postgres.js', async (t) => {
  const { gone, kept, delivered } = await begin(t, `node_postgres_${process.pid}`);
  const sql = postgres(url);
  const failed = sql.begin(async (transaction) => {
    await transaction.unsafe(gone.sql, gone.parameters);
    throw new Error('rolled back');
  });
  await assert.rejects(failed, /rolled back/);
  await sql.begin((transaction) => transaction.unsafe(kept.sql, kept.parameters));
  await sql.end();
  assert.deepEqual(await delivered(), kept.jtis);
});

test('what cannot be taken over is listed', async (t) => {
  const outbox = new Outbox(url, { schema: `node_refused_${process.pid}`, migrate: true });
  t.after(() => outbox.close());
  assert.deepEqual(await outbox.refused(), []);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  t.after(() => client.end());
  const inserted = [];
  for (const email of ['ada@example.com', 'bob@example.com']) {
    const subject = { format: 'email', email };
    inserted.push(outbox.statement(caep.sessionRevoked(), subject, { to: ['acme', 'globex'], idempotencyKey: 'one' }));
    await client.query(inserted.at(-1).sql, inserted.at(-1).parameters);
  }
  await client.query(inserted[0].sql, ['{}']);
  const { transmitter, to } = await pair(t);
  await new Worker(outbox, transmitter, { receivers: { acme: to, globex: to } }).drain();

  const [conflict, invalid, ...rest] = await outbox.refused();
  assert.deepEqual(rest, []);
  const { id, enqueuedAt, refusedAt, ...shown } = conflict;
  const { jtis } = inserted[1];
  const receivers = ['acme', 'globex'];
  assert.deepEqual(shown, { code: 'SSF_OUTBOX_CONFLICT', event: 'caep.session-revoked', jtis, receivers });
  assert.ok(enqueuedAt <= refusedAt && refusedAt instanceof Date);
  assert.deepEqual([invalid.code, invalid.jtis, invalid.receivers], ['SSF_OUTBOX_ENTRY_INVALID', [], []]);
  assert.ok(!('event' in invalid) && invalid.id > id);
  assert.deepEqual([await outbox.refused({ limit: 1 }), await outbox.refused({ after: id })], [[conflict], [invalid]]);
  assert.equal((await outbox.health()).refused, 2);
  assert.deepEqual(await Outbox.inMemory().refused(), []);
  await assert.rejects(outbox.refused({ after: 0.5 }), { code: 'SSF_CONFIGURATION_INVALID', pointer: '/after' });
});

test('a statement is checked and needs no connection', () => {
  const outbox = new Outbox('postgresql://127.0.0.1:1/nothing');
  const { sql, parameters, jtis, findings } = outbox.statement(caep.sessionRevoked(), ADA, { to: ['acme', 'globex'] });
  assert.equal(sql, 'INSERT INTO "ssf_outbox"."inbox" (entry) VALUES (CAST($1 AS text))');
  assert.deepEqual([parameters.length, jtis.length, findings], [1, 2, []]);
  assert.throws(() => outbox.statement(caep.sessionRevoked(), ADA, { to: [] }), { code: 'SSF_OUTBOX_ENTRY_INVALID' });
  assert.throws(() => Outbox.inMemory().statement(caep.sessionRevoked(), ADA, { to: 'acme' }), /in a database/);
});
