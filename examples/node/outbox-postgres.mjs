// Share an outbox between machines: it is in a PostgreSQL database.
//
//   DATABASE_URL=postgresql://outbox@db.example.com/app ENDPOINT=… AUDIENCE=… ISSUER=… KEY_FILE=… node outbox-postgres.mjs INCIDENT

import { readFile } from 'node:fs/promises';
import { caep, Receiver, SigningKey, Transmitter } from 'ssf-transmitter';
import { Outbox, Worker } from 'ssf-transmitter/outbox';

const { DATABASE_URL, ENDPOINT, AUDIENCE, ISSUER, KEY_FILE } = process.env;
const [incident] = process.argv.slice(2);

// On one machine: the event is committed when the promise resolves, and a repeat has no effect. In production, `ssf outbox migrate`
// creates the tables, and this account may only enqueue.
const accepting = new Outbox(DATABASE_URL, { migrate: true });
const ada = { format: 'email', email: 'ada@example.com' };
await accepting.enqueue(caep.sessionRevoked(), ada, { to: 'acme', txn: incident, idempotencyKey: incident });
await accepting.close();

// On another one.
const sending = new Outbox(DATABASE_URL);
const transmitter = new Transmitter({ issuer: ISSUER, key: await SigningKey.fromPem(await readFile(KEY_FILE)) });
const allowLoopback = ENDPOINT.startsWith('http://127.0.0.1');
const acme = new Receiver({ endpoint: ENDPOINT, audience: AUDIENCE, allowLoopback });
const { delivered } = await new Worker(sending, transmitter, { receivers: { acme } }).drain();
const { waiting } = await sending.counts();
console.log(`${delivered} delivered, ${waiting} waiting`);
await sending.close();
