// Processes and worker threads that use an outbox, for the tests. Each jti that was acknowledged is a line of the output.
//
// node outbox.cjs <role> <file> [more]

const { fork } = require('node:child_process');
const { writeSync } = require('node:fs');
const { Worker: Thread, isMainThread, parentPort, workerData } = require('node:worker_threads');
const cluster = require('node:cluster');
const { caep, Receiver, SigningKey, Transmitter } = require('ssf-transmitter');
const { Outbox, Worker } = require('ssf-transmitter/outbox');

const EVENT = caep.sessionRevoked();
const subject = { format: 'email', email: 'ada@example.com' };
const acknowledge = (jti) => writeSync(1, `${jti}\n`);

async function enqueue(outbox, count = Number.POSITIVE_INFINITY) {
  for (let n = 0; n < count; n++) acknowledge((await outbox.enqueue(EVENT, subject, { to: 'acme' })).jtis[0]);
}

/** A worker whose deliveries never end, or fail at once, and which asks here for the receiver and for nothing else. */
async function busyWorker(outbox) {
  const transmitter = new Transmitter({ issuer: 'https://edr.example.com', key: await SigningKey.generate('P-256') });
  const to = new Receiver({ endpoint: 'http://127.0.0.1:9/', audience: 'x', allowLoopback: true });
  const receivers = async () => {
    await new Promise(setImmediate);
    return to;
  };
  return new Worker(outbox, transmitter, { receivers, lease: 500, grace: 200, base: 10, maxAttempts: 1_000_000 });
}

const ROLES = {
  /** Enqueues until it is killed. */
  enqueue: (file) => enqueue(new Outbox(file)),

  /** Enqueues a few, and ends by itself with the outbox open. */
  few: (file) => enqueue(new Outbox(file), 5),

  /** What is there. */
  async kept(file) {
    for (const { jti } of await new Outbox(file).list({ limit: 1_000_000 })) acknowledge(jti);
  },

  /** Enqueues and works, and exits meanwhile. */
  async exit(file, milliseconds) {
    const outbox = new Outbox(file);
    (await busyWorker(outbox)).run().catch(() => {});
    for (let lane = 0; lane < 8; lane++) enqueue(outbox).catch(() => {});
    setTimeout(() => process.exit(7), Number(milliseconds));
  },

  /** Children of a process that has the outbox open. */
  async fork(file) {
    const outbox = new Outbox(file);
    await enqueue(outbox, 5);
    const children = Array.from({ length: 2 }, () => fork(__filename, ['few', file], { stdio: 'inherit' }));
    const working = enqueue(outbox, 20);
    const codes = await Promise.all(children.map((child) => new Promise((resolve) => child.on('exit', resolve))));
    await working;
    if (codes.some((code) => code !== 0)) throw new Error(`children ended with ${codes}`);
    await outbox.close();
  },

  /** A server with several processes. */
  async cluster(file) {
    const outbox = new Outbox(file);
    await enqueue(outbox, 5);
    cluster.setupPrimary({ exec: __filename, args: ['few', file] });
    const members = Array.from({ length: 2 }, () => cluster.fork());
    for (const member of members) member.on('message', acknowledge);
    const codes = await Promise.all(members.map((member) => new Promise((resolve) => member.on('exit', resolve))));
    if (codes.some((code) => code !== 0)) throw new Error(`members ended with ${codes}`);
    await outbox.close();
  },

  /** Threads that end in some way, again and again, while they enqueue and work. */
  async threads(file, ending, count) {
    const outbox = new Outbox(file);
    for (let n = 0; n < Number(count); n++) {
      const thread = new Thread(__filename, { argv: ['thread', file, ending], workerData: ending });
      thread.on('message', (what) => (what === 'under way' ? thread.terminate() : acknowledge(what)));
      thread.on('error', (error) => {
        if (error.message !== 'the end of a thread') throw error;
      });
      await new Promise((resolve) => thread.on('exit', resolve));
      await enqueue(outbox, 1);
    }
    // What the threads had claimed is free soon, and workers of this thread still work.
    const worker = await busyWorker(outbox);
    const running = worker.run();
    while (worker.health.failed === 0) await new Promise(setImmediate);
    await worker.stop();
    await running;
    await outbox.close();
  },

  async thread(file) {
    const outbox = new Outbox(file);
    let left = 20;
    const lane = async () => {
      for (;;) {
        const { jtis } = await outbox.enqueue(EVENT, subject, { to: 'acme' });
        parentPort.postMessage(jtis[0]);
        left -= 1;
        if (left === 0) end();
      }
    };
    const end = {
      exit: () => process.exit(0),
      throw: () =>
        setImmediate(() => {
          throw new Error('the end of a thread');
        }),
      terminate: () => parentPort.postMessage('under way'),
    }[workerData];
    (await busyWorker(outbox)).run().catch(() => {});
    for (let n = 0; n < 4; n++) lane().catch(() => {});
  },
};

const [role, file, ...more] = process.argv.slice(2);
if (isMainThread || role === 'thread') ROLES[role](file, ...more).then(() => cluster.worker?.disconnect());
