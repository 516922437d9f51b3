// Report an event in the transaction of a program whose database is PostgreSQL, with pg.
//
//   DATABASE_URL=postgresql://postgres@127.0.0.1/postgres node postgres-transaction.mjs
//
// The outbox is in the same database. Its statement is executed on the connection of the program: the event is accepted if, and only
// if, the transaction commits. Workers, on any machine, take it from there.

import process from 'node:process';
import pg from 'pg';
import { caep } from 'ssf-transmitter';
import { Outbox } from 'ssf-transmitter/outbox';

const url = process.env.DATABASE_URL ?? 'postgresql://postgres@127.0.0.1/postgres';
const schema = 'example_transaction_node';
const outbox = new Outbox(url, { schema, migrate: true });
await outbox.counts(); // makes the tables
const client = new pg.Client({ connectionString: url });
await client.connect();
await client.query("CREATE TEMPORARY TABLE devices AS SELECT 'laptop-7' AS name, 'healthy' AS state");

/** Notes that a device is lost, and that the receiver is to know. */
async function reportLost(device, email) {
  await client.query('BEGIN');
  try {
    const event = caep.sessionRevoked({ reasonAdmin: { en: 'Laptop lost' } });
    const { sql, parameters } = outbox.statement(event, { format: 'email', email }, { to: 'acme' });
    await client.query(sql, parameters);
    const changed = await client.query("UPDATE devices SET state = 'lost' WHERE name = $1", [device]);
    if (changed.rowCount !== 1) throw new Error('there is no such device');
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

await reportLost('laptop-7', 'ada@example.com');
await reportLost('laptop-8', 'bob@example.com').catch(() => {});
const { rows } = await client.query(`SELECT count(*)::int AS waiting FROM ${schema}.inbox`);
console.log(`${rows[0].waiting} for the workers`);
await client.query(`DROP SCHEMA ${schema} CASCADE`);
await client.end();
await outbox.close();
