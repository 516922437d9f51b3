import assert from 'node:assert/strict';
import { test } from 'node:test';
import { caep } from 'ssf-transmitter';
import { ADA, always, pair, until } from './setup.mjs';

const revoked = caep.sessionRevoked();

test('an emit is abandoned when its signal says so, with the reason of the signal', async (t) => {
  const { transmitter, to } = await pair(t, { emulator: { script: always('never') } });
  const controller = new AbortController();
  const emit = transmitter.emit(revoked, ADA, { to, signal: controller.signal });
  const reason = new Error('shutting down');
  await until(() => transmitter.counters.inFlight === 1);
  controller.abort(reason);
  await assert.rejects(emit, (error) => error === reason);
  await until(() => transmitter.counters.inFlight === 0);
  assert.deepEqual(transmitter.counters.failures, { abandoned: 1 });
});

test('a signal that has spoken before keeps anything from being sent', async (t) => {
  const { transmitter, to, emulator } = await pair(t);
  const signal = AbortSignal.abort();
  await assert.rejects(transmitter.emit(revoked, ADA, { to, signal }), { name: 'AbortError' });
  assert.deepEqual(emulator.requests, []);
});

test('a timeout is a signal too', async (t) => {
  const { transmitter, to } = await pair(t, { emulator: { script: always('never') } });
  await assert.rejects(transmitter.emit(revoked, ADA, { to, signal: AbortSignal.timeout(50) }), {
    name: 'TimeoutError',
  });
});

test('one signal serves many calls, and none of them leaves a listener behind', async (t) => {
  const { getEventListeners } = await import('node:events');
  const { transmitter, to } = await pair(t);
  const { signal } = new AbortController();
  const warnings = [];
  const note = (warning) => warnings.push(warning);
  process.on('warning', note);
  t.after(() => process.off('warning', note));
  await Promise.all(Array.from({ length: 50 }, () => transmitter.emit(revoked, ADA, { to, signal })));
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  await new Promise(setImmediate);
  assert.deepEqual(warnings, []);
});

test('a signal ends emitAll', async (t) => {
  const { transmitter, to } = await pair(t, { emulator: { script: always('never') } });
  const controller = new AbortController();
  function* endless() {
    for (;;) yield { event: revoked, subject: ADA, to };
  }
  setImmediate(() => controller.abort());
  const errors = [];
  await assert.rejects(
    async () => {
      for await (const { error } of transmitter.emitAll(endless(), { signal: controller.signal })) errors.push(error);
    },
    { name: 'AbortError' },
  );
  await until(() => transmitter.counters.inFlight === 0);
});
