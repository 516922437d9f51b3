// The outbox in a PostgreSQL database.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import pg from 'pg';
import { Config, caep } from 'ssf-transmitter';
import { Outbox, Worker } from 'ssf-transmitter/outbox';
import { ADA, eventually, pair, postgresUrl } from './setup.mjs';

const url = postgresUrl();
let schemas = 0;
const schema = () => `node_${process.pid}_${schemas++}`;

test('one process accepts and another one sends', async (t) => {
  const { emulator, transmitter, to } = await pair(t);
  const settings = { schema: schema() };
  const accepting = new Outbox(url, { ...settings, migrate: true });
  const { jtis } = await accepting.enqueue(caep.sessionRevoked(), ADA, { to: 'acme', idempotencyKey: 'one' });
  assert.equal(
    (await accepting.enqueue(caep.sessionRevoked(), ADA, { to: 'acme', idempotencyKey: 'one' })).repeated,
    true,
  );
  await accepting.enqueueMany([{ event: caep.sessionRevoked(), subject: ADA, to: ['acme', 'globex'] }]);
  await accepting.hold('globex');
  await accepting.close();

  const sending = new Outbox(url, { ...settings, connections: 2 });
  const worker = new Worker(sending, transmitter, { receivers: { acme: to } });
  assert.deepEqual(await worker.drain(), { delivered: 2, failed: 0 });
  const { enqueued, delivered, waiting } = await sending.counts();
  assert.deepEqual([enqueued, delivered, waiting], [3, 2, 1]);
  assert.deepEqual(
    (await sending.history(jtis[0])).attempts.map(({ status }) => status),
    [202],
  );
  assert.ok(emulator.received.some(({ jti }) => jti === jtis[0]));
  assert.deepEqual(
    (await sending.receivers()).map(({ status }) => status),
    ['active', 'held'],
  );
  assert.ok((await sending.health()).oldestWaiting);
  await sending.release('globex');
  assert.equal(await sending.discard({ receiver: 'globex' }), 1);
  await sending.close();
});

test('the database of a file of settings', async (t) => {
  process.env.SSF_TEST_DATABASE = url;
  t.after(() => delete process.env.SSF_TEST_DATABASE);
  const name = schema();
  const config = Config.fromToml(`[outbox]\ndatabase = "env:SSF_TEST_DATABASE"\nschema = "${name}"`);
  const outbox = await Outbox.fromConfig(config, { migrate: true, connections: 2 });
  const { jtis } = await outbox.enqueue(caep.sessionRevoked(), ADA, { to: 'acme' });
  const other = new Outbox(url, { schema: name });
  assert.deepEqual(
    (await other.list()).map(({ jti }) => jti),
    [...jtis],
  );
  await Promise.all([outbox.close(), other.close()]);
});

test('a worker hears of what another outbox accepts', async (t) => {
  const { transmitter, to } = await pair(t);
  const settings = { schema: schema(), migrate: true };
  const [theirs, ours] = [new Outbox(url, settings), new Outbox(url, settings)];
  const worker = new Worker(theirs, transmitter, { receivers: { acme: to }, poll: 3_600_000 });
  const running = worker.run();
  for (let sent = 1; sent <= 3; sent++) {
    await ours.enqueue(caep.sessionRevoked(), ADA, { to: 'acme' });
    // Only a hint comes before the next look.
    await eventually(async () => (await ours.counts()).delivered === sent);
  }
  await worker.stop();
  await running;
  await Promise.all([theirs.close(), ours.close()]);
});

test('workers are told of a transaction', async (t) => {
  const { transmitter, to } = await pair(t);
  const settings = { schema: schema(), migrate: true };
  const [theirs, ours] = [new Outbox(url, settings), new Outbox(url, settings)];
  const worker = new Worker(theirs, transmitter, { receivers: { acme: to }, poll: 3_600_000 });
  const running = worker.run();
  // The worker has looked, and will not look again by itself.
  await ours.enqueue(caep.sessionRevoked(), ADA, { to: 'acme' });
  await eventually(async () => (await ours.counts()).delivered === 1);
  const { sql, parameters } = ours.statement(caep.sessionRevoked(), ADA, { to: 'acme' });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql, parameters);
  await client.end();
  await ours.wake();
  await eventually(async () => (await ours.counts()).delivered === 2);
  await worker.stop();
  await running;
  await Promise.all([theirs.close(), ours.close()]);
  await Outbox.inMemory().wake();
});

test('tables are created only when asked for', async () => {
  const settings = { schema: schema() };
  const outbox = new Outbox(url, settings);
  await assert.rejects(outbox.counts(), { code: 'SSF_OUTBOX_UNAVAILABLE', message: /migrate/ });
  await new Outbox(url, { ...settings, migrate: true }).counts();
  assert.equal((await outbox.counts()).enqueued, 0);
});

test('what needs a file or a database says so', async () => {
  const outbox = new Outbox(url, { schema: schema(), migrate: true });
  const wrong = { code: 'SSF_CONFIGURATION_INVALID', message: /has no file/ };
  await assert.rejects(outbox.check(), wrong);
  await assert.rejects(outbox.backup('backup.db'), wrong);
  await assert.rejects(Outbox.salvage(url), wrong);
  const invalid = (message) => ({ code: 'SSF_CONFIGURATION_INVALID', message });
  assert.throws(() => new Outbox('outbox.db', { schema: 'a' }), invalid(/are for an outbox in a database/));
  assert.throws(() => new Outbox('mysql://db/app'), invalid(/begins with `postgresql:\/\/`/));
  assert.throws(() => new Outbox(url, { schema: 'Upper' }), invalid(/lower-case/));
});

test('secrets are never shown', async () => {
  const outbox = new Outbox('postgresql://ada:hunter2@127.0.0.1:1/app', { password: 'hunter2' });
  assert.equal(inspect(outbox), "Outbox { 'postgresql, schema ssf_outbox' }");
  await assert.rejects(outbox.counts(), (error) => {
    assert.equal(error.code, 'SSF_OUTBOX_UNAVAILABLE');
    assert.ok(!inspect(error).includes('hunter2'));
    return true;
  });
});

test('each connection asks for the password of the moment', async () => {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  // The server asks members of this role for a password.
  await admin.query('CREATE ROLE checked').catch(() => {});
  const role = `node_${process.pid}`;
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'first' IN ROLE checked`);
  await admin.query(`GRANT CREATE ON DATABASE postgres TO ${role}`);
  let [current, asked] = ['first', 0];
  const settings = { schema: schema(), connections: 1, migrate: true };
  const address = url.replace('postgres@', `${role}@`);
  const password = async () => {
    asked += 1;
    return current;
  };
  const outbox = new Outbox(address, { ...settings, password });
  await outbox.enqueue(caep.sessionRevoked(), ADA, { to: 'acme' });
  assert.equal(asked, 1);
  await admin.query(`ALTER ROLE ${role} PASSWORD 'second'`);
  await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`);
  const refused = { code: 'SSF_OUTBOX_UNAVAILABLE', message: /rejects the user or the password/ };
  await assert.rejects(outbox.counts(), refused);
  current = 'second';
  assert.equal((await outbox.counts()).waiting, 1);
  await outbox.close();

  const failing = (returns) => new Outbox(address, { ...settings, password: returns });
  const fails = (name) => ({ code: 'SSF_OUTBOX_UNAVAILABLE', message: new RegExp(`password failed: ${name}`) });
  const throws = () => {
    throw new RangeError('hunter2');
  };
  await assert.rejects(failing(throws).counts(), (error) => {
    assert.match(error.message, /password failed: RangeError/);
    assert.ok(!inspect(error).includes('hunter2'));
    return true;
  });
  await assert.rejects(failing(() => 7).counts(), fails('TypeError'));
  await assert.rejects(failing(() => Promise.reject(null)).counts(), fails('null'));
  assert.throws(() => new Outbox(url, { password: 7 }), { code: 'SSF_CONFIGURATION_INVALID', pointer: '/password' });
  await admin.end();
});
