// A queue worker: messages come from a queue (here lines of standard input), each for one customer, and many are under way
// at once. What may pass later goes back into the queue; on SIGTERM the worker ends what it has begun.
//
//   ENDPOINT=… AUDIENCE=… ISSUER=… KEY_FILE=… node worker.mjs < messages.jsonl

import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Receiver, SigningKey, SsfError, Transmitter } from 'ssf-transmitter';

const { ENDPOINT, AUDIENCE, ISSUER, KEY_FILE } = process.env;
const transmitter = new Transmitter({ issuer: ISSUER, key: await SigningKey.fromPem(await readFile(KEY_FILE)) });
const receivers = new Map();

/** A receiver per customer, made once: its token, its limits and its circuit breaker are its own. */
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
    // The queue's own id as jti: a message that comes twice is one SET.
    yield { event, subject: { format: 'email', email: user }, to: receiverOf(customer), jti: id };
  }
}

for await (const { emission, receipt, error } of transmitter.emitAll(emissions(), { concurrency: 32 })) {
  if (receipt !== undefined) console.log(`done ${receipt.jti}`);
  else if (error instanceof SsfError && error.retryable) console.log(`again ${emission.jti} ${error.code}`);
  else console.log(`dead ${emission.jti} ${error.code}`);
}
