// Whether a SET arrived: Okta's System Log as the emulator plays it.

import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { ApiError, LogEvent, OktaProviders, okta, SignedSet, Signer, SigningKey, Transmitter } from 'ssf-transmitter';
import { startReceiver } from 'ssf-transmitter/testing';
import { ADA } from './setup.mjs';

const TOKEN = 'SSWS-token-of-a-test';
const ISSUER = 'https://edr.example.com';
const EVENTS = ['security.events.provider.receive_event', 'user.risk.detect'];
const read = (name) => JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}`, import.meta.url), 'utf8'));
const { receptions } = read('okta-log.json');

const key = await SigningKey.generate('RSA-2048');
const pem = await key.exportPrivatePem();
const risk = () =>
  okta.userRiskChange({
    eventTimestamp: new Date(),
    currentLevel: 'high',
    previousLevel: 'low',
    reasonAdmin: { en: 'Impossible travel' },
  });
const anHourAgo = () => new Date(Date.now() - 3_600_000);

/** An org that takes the SETs of a transmitter, and both. */
async function world(t, { deadline, ...settings } = {}) {
  const emulator = await startReceiver({
    like: 'okta',
    issuer: ISSUER,
    keys: key,
    audience: 'https://acme.okta.com',
    apiToken: TOKEN,
    ...settings,
  });
  const transmitter = new Transmitter({ issuer: ISSUER, key });
  t.after(() => Promise.all([transmitter.close(), emulator.stop()]));
  const retry = { base: 1, maxBackoff: 20 };
  const providers = new OktaProviders({ org: emulator.baseUrl, apiToken: TOKEN, retry, deadline, allowLoopback: true });
  const emit = () => transmitter.emit(risk(), ADA, { to: emulator.receiver() });
  return { emulator, transmitter, providers, emit };
}

for (const { name, log = {}, users, script, deadline_ms: deadline = 20_000, expect, error } of receptions) {
  test(`reception: ${name}`, async (t) => {
    const settings = { users, script: script && { rules: script }, logDelay: log.delay_ms, logPage: log.page };
    const { providers, emit } = await world(t, { ...settings, logJti: log.jti });
    const received = providers.received(await emit(), { deadline });
    if (error !== undefined) {
      await assert.rejects(received, (failure) => {
        assert.ok(failure instanceof ApiError);
        assert.equal(failure.code, `SSF_${error.toUpperCase()}`);
        assert.match(failure.stack, /okta-log\.test\.mjs/);
        return true;
      });
      return;
    }
    const { outcome, certainty, events, causes } = await received;
    const told = causes.map(({ id, isCertain }) => ({ id, certain: isCertain }));
    assert.deepEqual({ outcome, certainty, events: events.map(({ eventType }) => eventType), causes: told }, expect);
    assert.ok(causes.every(({ meaning, remedy }) => meaning !== '' && remedy !== ''));
  });
}

test('all receptions ran', () => {
  const names = new Set(receptions.map(({ name }) => name));
  assert.equal(names.size, read('manifest.json')['okta-log.json'].receptions);
});

test('an entry says who and what, and shows no personal data', async (t) => {
  const { providers, emit } = await world(t, { logJti: true });
  const receipt = await emit();
  assert.ok(Math.abs(Date.now() - receipt.answeredAt.getTime()) < 60_000);
  // Another process has the SET alone.
  const sent = { set: SignedSet.parse(String(receipt.set)), answeredAt: receipt.answeredAt };
  const reception = await providers.received(sent);
  const [arrival] = reception.events;
  assert.ok(arrival instanceof LogEvent);
  assert.ok(Math.abs(arrival.published.getTime() - receipt.answeredAt.getTime()) < 60_000);
  assert.deepEqual([arrival.targets[0].type, arrival.targets[0].alternateId], ['User', ADA.email]);
  assert.deepEqual([arrival.actor.displayName, arrival.severity, arrival.result], [ISSUER, 'INFO', 'SUCCESS']);
  assert.equal(arrival.reason, null);
  assert.deepEqual(arrival.members.debugContext.debugData, arrival.debugData);
  assert.equal(arrival.debugData.jti, receipt.jti);
  assert.doesNotMatch(inspect(reception, { depth: 9 }), /@example/);
});

test('the log is read page by page, and followed', async (t) => {
  const { providers, emit } = await world(t, { logPage: 2 });
  for (let round = 0; round < 3; round += 1) await emit();
  const types = async (options) => {
    const types = [];
    for await (const { eventType } of providers.log({ since: anHourAgo(), ...options })) types.push(eventType);
    return types;
  };
  const all = [...EVENTS, ...EVENTS, ...EVENTS];
  assert.deepEqual(await types(), all);
  assert.deepEqual(await types({ until: new Date(Date.now() + 60_000), pageSize: 1 }), all);
  assert.deepEqual(await types({ eventTypes: [EVENTS[1]] }), [EVENTS[1], EVENTS[1], EVENTS[1]]);
  assert.equal((await types({ eventTypes: [] })).length, 6);
  assert.deepEqual(await types({ since: new Date(Date.now() + 60_000) }), []);

  const controller = new AbortController();
  const { signal } = controller;
  const log = providers.log({ since: anHourAgo(), follow: true, pause: 10, signal });
  for (const type of all) assert.equal((await log.next()).value.eventType, type);
  const next = log.next();
  await emit();
  assert.equal((await next).value.eventType, EVENTS[0]);
  await log.next();
  const aborted = log.next();
  controller.abort();
  await assert.rejects(aborted, { name: 'AbortError' });

  const invalid = { name: 'ConfigError', code: 'SSF_CONFIGURATION_INVALID' };
  await assert.rejects(types({ pageSize: 1001 }), { ...invalid, pointer: '/page_size' });
  await assert.rejects(types({ until: new Date(0) }), { ...invalid, pointer: '/until' });
  await assert.rejects(types({ eventTypes: ['x', '"'] }), { ...invalid, pointer: '/event_types/1' });
  assert.throws(() => providers.log({}), /since/);
  assert.throws(() => providers.log({ since: 'yesterday' }), /expected a valid Date/);
  assert.throws(() => providers.log({ since: new Date(), folow: true }), /did you mean follow\?/);
  for (const wrong of [undefined, 'receipt', {}, { set: 'x', answeredAt: new Date() }]) {
    await assert.rejects(providers.received(wrong), invalid);
  }
});

test('a doctor looks for the SET', async (t) => {
  const script = { rules: [{ on: 'api', fault: { status: { status: 403 } } }] };
  const { emulator, transmitter, providers } = await world(t, { deadline: 2000, script, users: [ADA.email] });
  const to = emulator.receiver();
  const signer = new Transmitter({
    issuer: ISSUER,
    key: new Signer({ sign: (input) => sign('sha256', input, pem), algorithm: 'RS256', kid: key.kid }),
  });
  t.after(() => signer.close());
  const check = async (by, subject, send) => {
    const { checks } = await by.doctor(risk(), subject, { to, send, confirm: providers });
    return checks.find(({ id }) => id === 'okta-log');
  };
  const eve = { format: 'email', email: 'eve@example.com' };
  // Without the list of providers it is not known whose entry it is.
  for (const by of [transmitter, signer]) assert.equal((await check(by, ADA, true)).outcome, 'passed');
  const dropped = await check(transmitter, eve, true);
  assert.equal(dropped.outcome, 'failed');
  assert.match(dropped.message, /not a sign-in/);
  assert.match(dropped.remedy, /username/);
  assert.equal((await check(transmitter, ADA, false)).outcome, 'skipped');
  await assert.rejects(transmitter.doctor(risk(), ADA, { to, confirm: {} }), /an OktaProviders/);
});
