// A queue worker. It reads messages from a queue (here: lines of standard input), each for one customer, and sends many at a time.
// Retryable failures return to the queue. On SIGTERM, the worker finishes the pending messages.
//
//   ENDPOINT=… AUDIENCE=… ISSUER=… KEY_FILE=… node worker.mjs < messages.jsonl

import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Receiver, SigningKey, SsfError, Transmitter } from 'ssf-transmitter';

const { ENDPOINT, AUDIENCE, ISSUER, KEY_FILE } = process.env;
const transmitter = new Transmitter({ issuer: ISSUER, key: await SigningKey.fromPem(await readFile(KEY_FILE)) });
const receivers = new Map();

/** One receiver per customer, created once. Each has its own token, limits and circuit breaker. */
function receiverOf(customer) {
  if (!receivers.has(customer)) {
    const allowLoopback = ENDPOINT.startsWith('http://127.0.0.1');
    receivers.set(customer, new Receiver({ endpoint: ENDPOINT, audience: AUDIENCE, allowLoopback }));
  }
  return receivers.get(customer);
}

const lines = createInterface({ input: process.stdin });
process.once('SIGTERM', () => lines.close());

async function* emissions() {
  for await (const line of lines) {
    const { id, customer, event, user } = JSON.parse(line);
    // Use the id from the queue as jti, so that a message delivered twice is the same SET.
    yield { event, subject: { format: 'email', email: user }, to: receiverOf(customer), jti: id };
  }
}

for await (const { emission, receipt, error } of transmitter.emitAll(emissions(), { concurrency: 32 })) {
  if (receipt !== undefined) console.log(`done ${receipt.jti}`);
  else if (error instanceof SsfError && error.retryable) console.log(`again ${emission.jti} ${error.code}`);
  else console.log(`dead ${emission.jti} ${error.code}`);
}
