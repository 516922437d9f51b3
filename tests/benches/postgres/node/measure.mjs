// What the contenders in Node have in common: how much is done, and how it is told.

export const url = process.argv[2];
const [one, callers, each, batch] = process.env.SSF_BENCH_SIZES.split(' ').map(Number);
export const all = one + callers * each + batch;
export const payload = { payload: 'x'.repeat(1024) };

const rate = async (count, work) => {
  const began = performance.now();
  await work();
  return (count * 1000) / (performance.now() - began);
};

const times = async (count, work) => {
  for (let n = 0; n < count; n += 1) await work();
};

/** Jobs per second: one by one, by many callers at once, as one batch, and worked off. */
export const measure = async (enqueue, enqueueAll, work) => {
  const rates = {
    one: await rate(one, () => times(one, enqueue)),
    callers: await rate(callers * each, () =>
      Promise.all(Array.from({ length: callers }, () => times(each, enqueue))),
    ),
    batch: await rate(batch, () => enqueueAll(batch)),
    work: await rate(all, work),
  };
  console.log(JSON.stringify(rates));
};
