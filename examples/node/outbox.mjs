// Keep events through a restart and an outage of the receiver.
//
//   ENDPOINT=… AUDIENCE=… ISSUER=… KEY_FILE=… node outbox.mjs FILE [email]
//
// With an email address, it accepts an event about that user, as the product does that notices something. Without one, it delivers
// what waits, as the product does after its restart, or as another process does.

import { readFile } from 'node:fs/promises';
import { caep, Receiver, SigningKey, Transmitter } from 'ssf-transmitter';
import { Outbox, Worker } from 'ssf-transmitter/outbox';

const { ENDPOINT, AUDIENCE, ISSUER, KEY_FILE } = process.env;
const [file, email] = process.argv.slice(2);
const outbox = new Outbox(file);

/** Looks up a customer: in a product, in its database. */
async function find(name) {
  const allowLoopback = ENDPOINT.startsWith('http://127.0.0.1');
  return name === 'acme' ? new Receiver({ endpoint: ENDPOINT, audience: AUDIENCE, allowLoopback }) : undefined;
}

if (email !== undefined) {
  // It is on the disk when the promise resolves.
  const { jtis } = await outbox.enqueue(caep.sessionRevoked(), { format: 'email', email }, { to: 'acme' });
  console.log(`accepted ${jtis[0]}`);
} else {
  const transmitter = new Transmitter({ issuer: ISSUER, key: await SigningKey.fromPem(await readFile(KEY_FILE)) });
  const worker = new Worker(outbox, transmitter, {
    receivers: find,
    onAlert: (name, failure) => console.error(name, failure?.remedy ?? 'is resumed'),
    base: 10, // in production, leave the waits as they are
  });
  process.once('SIGTERM', () => worker.stop());
  const running = worker.run();
  const left = async () => {
    const { waiting, inFlight } = await outbox.counts();
    return waiting + inFlight;
  };
  while ((await left()) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await worker.stop();
  await running;
  for (const { jti, receiver, state, attempts } of await outbox.list()) {
    console.log(`${state} ${jti} to ${receiver} after ${attempts} attempts`);
  }
}
await outbox.close();
