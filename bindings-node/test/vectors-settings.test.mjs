// Texts name settings as this package does: tests/vectors/settings.json.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { caep, explain, Receiver, SigningKey, Transmitter } from 'ssf-transmitter';
import { assertNames, COUNTS, FILE } from './settings.mjs';

const key = await SigningKey.generate('Ed25519');

const transmitter = (one) =>
  new Transmitter({
    issuer: one.issuer ?? 'https://edr.example.com',
    key,
    caBundle: one.ca_bundle,
    sourceAddress: one.source_address,
    proxy: one.proxy,
  });

const receiver = (one) =>
  new Receiver({
    endpoint: one.endpoint ?? 'https://receiver.example.net/events',
    audience: 'https://receiver.example.net',
  });

test('an explanation names settings', () => {
  assert.equal(FILE.explain.length, COUNTS.explain);
  for (const one of FILE.explain) {
    let failed = { status: one.status };
    try {
      if (one.status === undefined) {
        receiver(one);
        transmitter(one);
        assert.fail(one.name);
      }
    } catch (error) {
      failed = error;
    }
    const { cause, remedy } = explain('', failed);
    assertNames(`${cause} ${remedy}`, one.settings);
  }
});

test('a doctor names settings', async () => {
  assert.equal(FILE.doctor.length, COUNTS.doctor);
  for (const one of FILE.doctor) {
    const subject = { format: 'opaque', id: '1' };
    const { checks } = await transmitter(one).doctor(caep.sessionRevoked(), subject, { to: receiver(one) });
    for (const { id, message, remedy } of checks) assertNames(`${message} ${remedy}`, one.checks[id] ?? []);
    const ids = checks.map(({ id }) => id);
    for (const id of Object.keys(one.checks)) assert.ok(ids.includes(id), `${one.name}: ${ids}`);
  }
});
