// The durable outbox beside what people use instead: a table in better-sqlite3 as a queue, with the same promise (WAL,
// synchronous=FULL), and beside the core in Rust: the example `enqueue` of the store. One run, the contenders by turns, ratios of
// medians. `cargo xtask bench node` runs it.
//
// node benches/outbox.mjs <folder> <path of the example> [path of better-sqlite3]

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { importPKCS8, SignJWT } from 'jose';
import { caep, Receiver, SigningKey, Transmitter } from 'ssf-transmitter';
import { Outbox, Worker } from 'ssf-transmitter/outbox';
import { Pool } from 'undici';
import { startSink } from './sink.mjs';

const ISSUER = 'https://edr.example.com';
const AUDIENCE = 'https://receiver.example.net';
const EVENT = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
const ROUNDS = 7;
const ALONE = 500;
const CALLERS = 64;
const BATCH = 10_000;
const DRAINED = 2_000;

const [parent = '.', core, betterSqlite3 = 'better-sqlite3'] = process.argv.slice(2);
const folder = mkdtempSync(join(parent, 'outbox-bench-'));
const { default: Database } = await import(betterSqlite3).catch(() => ({}));
if (Database === undefined) console.log('better-sqlite3 is not installed: measured without it');

/** What the example in Rust enqueues: 1 KiB is kept of it. */
const entry = (n) => ({
  event: caep.sessionRevoked({ reasonAdmin: { en: 'x'.repeat(800) } }),
  subject: { format: 'email', email: `user-${n}@example.com` },
  to: `receiver-${n % 100}`,
});
const key = await SigningKey.generate('P-256');
const transmitter = new Transmitter({ issuer: ISSUER, key });
const [sink, port] = await startSink();
const receiver = new Receiver({
  endpoint: `http://127.0.0.1:${port}/events`,
  audience: AUDIENCE,
  allowLoopback: true,
  concurrency: 64,
});

let files = 0;
const newFile = () => join(folder, `${files++}.db`);

/** An outbox that knows its receivers. */
async function newOutbox() {
  const outbox = new Outbox(newFile());
  await outbox.enqueueMany(Array.from({ length: 100 }, (_, n) => entry(n)));
  return outbox;
}

/** The outbox: how many operations each measurement does, and what it does. */
const ours = {
  async alone() {
    const outbox = await newOutbox();
    return [
      ALONE,
      outbox,
      async () => {
        for (let n = 0; n < ALONE; n++) {
          const { event, subject, to } = entry(n);
          await outbox.enqueue(event, subject, { to });
        }
      },
    ];
  },
  async together() {
    const outbox = await newOutbox();
    let left = CALLERS * 50;
    const lane = async () => {
      while (left-- > 0) {
        const { event, subject, to } = entry(left);
        await outbox.enqueue(event, subject, { to });
      }
    };
    return [CALLERS * 50, outbox, () => Promise.all(Array.from({ length: CALLERS }, lane))];
  },
  async many() {
    const outbox = await newOutbox();
    const entries = Array.from({ length: BATCH }, (_, n) => entry(n));
    return [BATCH, outbox, () => outbox.enqueueMany(entries)];
  },
  async drain() {
    const outbox = new Outbox(newFile());
    await outbox.enqueueMany(Array.from({ length: DRAINED }, (_, n) => entry(n)));
    const worker = new Worker(outbox, transmitter, { receivers: () => receiver });
    return [DRAINED, outbox, () => worker.drain()];
  },
};

/** The table, as it is usually written. Everything but the sending is done on the event loop. */
const theirs = Database && {
  open() {
    const database = new Database(newFile());
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.exec("CREATE TABLE queue (id INTEGER PRIMARY KEY, state TEXT DEFAULT 'waiting', payload TEXT)");
    database.exec('CREATE INDEX by_state ON queue (state, id)');
    const insert = database.prepare('INSERT INTO queue (payload) VALUES (?)');
    return [database, (n) => insert.run(JSON.stringify({ ...entry(n), jti: crypto.randomUUID() }))];
  },
  async alone() {
    const [database, insert] = theirs.open();
    return [
      ALONE,
      database,
      async () => {
        for (let n = 0; n < ALONE; n++) insert(n);
      },
    ];
  },
  async many() {
    const [database, insert] = theirs.open();
    return [
      BATCH,
      database,
      async () =>
        database.transaction(() => {
          for (let n = 0; n < BATCH; n++) insert(n);
        })(),
    ];
  },
  async drain() {
    const [database, insert] = theirs.open();
    database.transaction(() => {
      for (let n = 0; n < DRAINED; n++) insert(n);
    })();
    const joseKey = await importPKCS8(await key.exportPrivatePem(), 'ES256');
    const header = { alg: 'ES256', typ: 'secevent+jwt', kid: key.kid };
    const headers = { 'content-type': 'application/secevent+jwt', accept: 'application/json' };
    const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 64 });
    const claim = database.prepare(
      "UPDATE queue SET state = 'claimed' WHERE id IN (SELECT id FROM queue WHERE state = 'waiting' ORDER BY id LIMIT 64) RETURNING id, payload",
    );
    const settle = database.prepare("UPDATE queue SET state = 'delivered' WHERE id = ?");
    const settleAll = database.transaction((ids) => ids.forEach((id) => void settle.run(id)));
    const send = async ({ id, payload }) => {
      const { jti, subject } = JSON.parse(payload);
      const claims = { iss: ISSUER, jti, iat: Math.floor(Date.now() / 1000), aud: AUDIENCE, sub_id: subject };
      const body = await new SignJWT({ ...claims, events: { [EVENT]: {} } }).setProtectedHeader(header).sign(joseKey);
      const answer = await pool.request({ path: '/events', method: 'POST', headers, body });
      await answer.body.dump();
      if (answer.statusCode !== 202) throw new Error(`${answer.statusCode}`);
      return id;
    };
    return [
      DRAINED,
      database,
      async () => {
        for (let rows = claim.all(); rows.length > 0; rows = claim.all()) settleAll(await Promise.all(rows.map(send)));
        await pool.close();
      },
    ];
  },
};

/** The core: the example measures both, and the other one is too small to matter. */
const inRust = core && {
  alone: () => rust('one_by_one', ALONE, 1),
  many: () => rust('batch', 1, BATCH),
};

function rust(measured, alone, batch) {
  const told = execFileSync(core, [folder, String(alone), String(batch)], { encoding: 'utf8' });
  return { rate: JSON.parse(told)[measured], stuck: 0 };
}

/** Operations a second, and the longest time that the event loop did not turn, in milliseconds. */
async function measure(make) {
  const [count, open, work] = await make();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  // The first interval that it measures would begin before it.
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 5));
  const began = performance.now();
  await work();
  const took = performance.now() - began;
  await new Promise((resolve) => setTimeout(resolve, 5));
  delay.disable();
  await open.close();
  return { rate: (count * 1000) / took, stuck: delay.max / 1e6 };
}

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

async function compare(name) {
  const contenders = {
    'ssf-transmitter': ours[name] && (() => measure(ours[name])),
    'the core in Rust': inRust?.[name],
    'better-sqlite3': theirs?.[name] && (() => measure(theirs[name])),
  };
  const all = Object.entries(contenders).filter(([, make]) => make !== undefined);
  const measured = new Map(all.map(([title]) => [title, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [title, make] of all) {
      const one = await make();
      // The first round warms up.
      if (round > 0) measured.get(title).push(one);
    }
  }
  return [...measured].map(([title, each]) => ({
    title,
    rate: median(each.map(({ rate }) => rate)),
    stuck: median(each.map(({ stuck }) => stuck)),
  }));
}

for (const [name, title] of Object.entries({
  alone: 'enqueue, one by one',
  together: `enqueue, ${CALLERS} callers`,
  many: `enqueueMany of ${BATCH}`,
  drain: `drain ${DRAINED}, ES256, to a receiver on this machine`,
})) {
  const results = await compare(name);
  console.log(`\n${title.padEnd(52)} per second  ratio  longest stop of the event loop`);
  for (const { title, rate, stuck } of results) {
    const ratio = (rate / results[0].rate).toFixed(2);
    console.log(
      `  ${title.padEnd(50)} ${rate.toFixed(0).padStart(10)} ${ratio.padStart(6)} ${stuck.toFixed(1).padStart(10)} ms`,
    );
  }
}
sink.kill();
rmSync(folder, { recursive: true });
