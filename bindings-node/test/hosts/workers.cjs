// Worker threads that load the package one after the other, and end in one of several ways with SETs under way. Only after
// them the main thread loads it.
//
// node workers.cjs <ending> <count>

const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { scenario } = require('./scenario.cjs');

/** Loads the package when it is called. */
const load = () => [require('ssf-transmitter'), require('ssf-transmitter/testing')];

const ENDINGS = {
  load,
  close: () => scenario(...load()),
  exit: async () => {
    await underWay();
    process.exit(0);
  },
  throw: async () => {
    await underWay();
    setImmediate(() => {
      throw new Error('the end of a worker');
    });
  },
  terminate: async () => {
    await underWay();
    parentPort.postMessage('under way');
  },
};

async function underWay() {
  const [{ caep, SigningKey, Transmitter }, { startReceiver }] = load();
  const issuer = 'https://edr.example.com';
  const key = await SigningKey.generate('P-256');
  const emulator = await startReceiver({ issuer, keys: key });
  const transmitter = new Transmitter({ issuer, key });
  const emit = () =>
    transmitter.emit(caep.sessionRevoked(), { format: 'opaque', id: '1' }, { to: emulator.receiver() });
  await emit();
  for (let n = 0; n < 20; n++) emit().catch(() => {});
}

async function ended(ending) {
  const worker = new Worker(__filename, { workerData: ending });
  worker.on('message', () => worker.terminate());
  worker.on('error', (error) => {
    if (ending !== 'throw') throw error;
  });
  await new Promise((resolve) => worker.on('exit', resolve));
}

if (isMainThread) {
  (async () => {
    const [ending, count] = process.argv.slice(2);
    for (let n = 0; n < Number(count); n++) await ended(ending);
    console.log(await scenario(...load()));
  })();
} else {
  ENDINGS[workerData]();
}
