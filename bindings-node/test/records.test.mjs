// The members of what every language returns: tests/vectors/records.json.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { caep, explain, lint, SsfError } from 'ssf-transmitter';
import { ADA, pair } from './setup.mjs';

const { records } = JSON.parse(readFileSync(new URL('../../tests/vectors/records.json', import.meta.url), 'utf8'));

/** Own properties and getters, without those that every error has. */
function members(record) {
  const own = Object.getOwnPropertyNames(record);
  const inherited = [];
  for (
    let prototype = Object.getPrototypeOf(record);
    prototype !== Object.prototype && prototype !== Error.prototype;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const described = Object.entries(Object.getOwnPropertyDescriptors(prototype));
    inherited.push(...described.filter(([, { get }]) => get !== undefined).map(([name]) => name));
  }
  return [...own, ...inherited].filter((name) => name !== 'stack').sort();
}

test('every record has the members of the table', async (t) => {
  const { emulator, to, transmitter } = await pair(t);
  t.after(() => transmitter.close());
  const event = caep.sessionRevoked();
  const receipt = await transmitter.emit(event, ADA, { to });
  const diagnosis = await transmitter.doctor(event, ADA, { to });
  const explanation = explain('', { status: 400, body: '{"err":"invalid_key"}' }, { dialect: 'okta' });
  const finding = {};
  const error = new SsfError('SSF_INTERNAL', 'x', {
    pointer: '/x',
    status: 400,
    retryAfter: 1,
    receiverError: 'x',
    receiverDescription: 'x',
    findings: [finding],
    cause: new Error('x'),
  });
  const found = {
    Finding: lint({ event, subject: ADA }, { dialect: 'okta' })[0],
    Explanation: { ...explanation, said: explanation.said },
    Receipt: receipt,
    Error: error,
    Counters: transmitter.counters,
    Diagnosis: diagnosis,
    Check: diagnosis.checks[0],
  };
  assert.equal(emulator.requests.length, 1);
  for (const [name, { node }] of Object.entries(records)) {
    assert.deepEqual(members(found[name]), [...node].sort(), name);
  }
});
