import { PgBoss } from 'pg-boss';
import { all, measure, payload, url } from './measure.mjs';

const boss = new PgBoss({ connectionString: url, max: 8, supervise: false, schedule: false });
await boss.start();
await boss.createQueue('noop');

// Its own workers ask every half a second at most, so this asks as its documentation does by hand.
const work = async () => {
  let worked = 0;
  const loop = async () => {
    for (;;) {
      const jobs = await boss.fetch('noop', { batchSize: 64 });
      if (jobs.length === 0) return;
      await boss.complete('noop', jobs.map((job) => job.id));
      worked += jobs.length;
    }
  };
  await Promise.all([loop(), loop()]);
  if (worked !== all) throw new Error(`worked off ${worked} of ${all}`);
};

await measure(
  () => boss.send('noop', payload),
  (count) => boss.insert('noop', Array.from({ length: count }, () => ({ data: payload }))),
  work,
);
await boss.stop({ graceful: false });
process.exit(0);
