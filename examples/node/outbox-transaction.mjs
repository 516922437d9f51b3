// Report an event in the transaction of a program that has a database of its own.
//
//   node outbox-transaction.mjs FOLDER
//
// The program writes the entry into a table beside its data: both are committed, or none. A relay moves entries from there into the
// outbox. It may crash at any point: an entry that is enqueued twice is delivered once. Any database will do; this is `node:sqlite`,
// with a file of its own: nothing but the library opens the file of the outbox.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { caep } from 'ssf-transmitter';
import { entryJson, Outbox } from 'ssf-transmitter/outbox';

const [folder] = process.argv.slice(2);
const database = new DatabaseSync(join(folder, 'product.db'));
const outbox = new Outbox(join(folder, 'outbox.db'));

database.exec(`
  CREATE TABLE devices (name TEXT PRIMARY KEY, state TEXT NOT NULL);
  CREATE TABLE staged_events (id INTEGER PRIMARY KEY, entry TEXT NOT NULL);
  INSERT INTO devices VALUES ('laptop-7', 'healthy');
`);

/** Does something in one transaction. */
function inTransaction(work) {
  database.exec('BEGIN');
  try {
    work();
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** Notes that a device is lost, and that the receiver is to know. */
function reportLost(device, email) {
  const event = caep.sessionRevoked({ reasonAdmin: { en: 'Laptop lost' } });
  const entry = entryJson(event, { format: 'email', email }, { to: 'acme' });
  inTransaction(() => {
    database.prepare("UPDATE devices SET state = 'lost' WHERE name = ?").run(device);
    database.prepare('INSERT INTO staged_events (entry) VALUES (?)').run(entry);
  });
}

/** Moves entries into the outbox, and returns how many. */
async function relay() {
  const rows = database.prepare('SELECT id, entry FROM staged_events ORDER BY id LIMIT 500').all();
  await outbox.enqueueJson(rows.map(({ entry }) => entry));
  const remove = database.prepare('DELETE FROM staged_events WHERE id = ?');
  inTransaction(() => {
    for (const { id } of rows) remove.run(id);
  });
  return rows.length;
}

reportLost('laptop-7', 'ada@example.com');
console.log(`${await relay()} moved, ${(await outbox.counts()).waiting} waiting, ${await relay()} left`);
await outbox.close();
database.close();
