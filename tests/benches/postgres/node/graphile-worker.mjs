import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { all, measure, payload, url } from './measure.mjs';

const logger = new Logger(() => () => undefined);
const utils = await makeWorkerUtils({ connectionString: url, logger, maxPoolSize: 8 });
await utils.migrate();

const work = async () => {
  let worked = 0;
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const taskList = {
    noop: async () => {
      worked += 1;
      if (worked === all) finish();
    },
  };
  const runner = await run({
    connectionString: url,
    logger,
    taskList,
    concurrency: 64,
    maxPoolSize: 8,
    noHandleSignals: true,
    // What its documentation advises for high rates.
    preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
  });
  await finished;
  await runner.stop();
};

await measure(
  () => utils.addJob('noop', payload),
  (count) => utils.addJobs(Array.from({ length: count }, () => ({ identifier: 'noop', payload }))),
  work,
);
await utils.release();
process.exit(0);
