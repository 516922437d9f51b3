import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  caep,
  customEvent,
  customSubject,
  Dialect,
  eventUri,
  KeySet,
  okta,
  Receipt,
  Receiver,
  risc,
  SignedSet,
  SigningKey,
  Transmitter,
} from 'ssf-transmitter';
import { startReceiver } from 'ssf-transmitter/testing';
import { ADA, always, ISSUER, pair, until } from './setup.mjs';

const revoked = caep.sessionRevoked({ reasonAdmin: { en: 'Laptop lost' } });

test('an event arrives', async (t) => {
  const { emulator, transmitter, to } = await pair(t);
  const receipt = await transmitter.emit(revoked, ADA, { to, txn: 'incident-4711' });
  assert.ok(receipt instanceof Receipt);
  assert.deepEqual([receipt.status, receipt.attempts, receipt.isExpected], [202, 1, true]);
  const claims = emulator.assertReceived('caep.session-revoked', ADA);
  assert.deepEqual([claims.jti, claims.txn, claims.iss], [receipt.jti, 'incident-4711', ISSUER]);
  assert.deepEqual(receipt.set.decode().claims, claims);
  assert.deepEqual([receipt.findings, receipt.notes], [[], []]);
  assert.deepEqual(transmitter.counters, {
    enqueued: 1,
    delivered: 1,
    failed: 0,
    inFlight: 0,
    attempts: 1,
    failures: {},
  });
});

test('anything unusual about the answer is noted', async (t) => {
  const status = (of) => ({ status: { after: true, ...of } });
  for (const [script, notes] of [
    [always({ huge_body: { bytes: 200_000 } }), ['body_too_long']],
    [always(status({ status: 202, body: 'half', ends: 'cut' })), ['body_broken']],
    [always(status({ status: 200, body: 'half', ends: 'open' })), ['unexpected_status', 'body_unfinished']],
    [
      {
        rules: [
          { nth: 1, fault: 'lost_answer' },
          { nth: 2, fault: status({ status: 409 }) },
        ],
      },
      ['already_received'],
    ],
  ]) {
    const { emulator, transmitter, to } = await pair(t, { emulator: { script } });
    const receipt = await transmitter.emit(revoked, ADA, { to });
    assert.deepEqual(receipt.notes, notes);
    emulator.assertReceived('caep.session-revoked', ADA);
  }
});

test('Okta gets what Okta wants', async (t) => {
  const { emulator, transmitter, to } = await pair(t, {
    emulator: { like: 'okta', audience: 'https://acme.okta.com', users: [ADA.email] },
    type: 'RSA-2048',
  });
  const event = okta.userRiskChange({
    currentLevel: 'high',
    previousLevel: 'low',
    eventTimestamp: new Date(1_767_225_590_000),
    reasonAdmin: { en: 'Impossible travel' },
  });
  await transmitter.emit(event, ADA, { to });
  const { events, sub_id: subId } = emulator.assertReceived('okta.user-risk-change', ADA);
  assert.equal(subId, undefined);
  assert.deepEqual(Object.values(events)[0].event_timestamp, 1_767_225_590);
});

test('GOV.UK One Login gets a token with it', async (t) => {
  const { emulator, transmitter, to } = await pair(t, {
    emulator: { like: 'govuk-one-login', audience: 'https://ssf.account.gov.uk/' },
    type: 'RSA-2048',
  });
  const subject = { format: 'uri', uri: 'urn:fdc:gov.uk:2022:56P4CMsGh_02YOlWpd8PAOI-2sVlB2nsNU7mcLZYhYw=' };
  await transmitter.emit(risc.accountPurged(), subject, {
    to,
    companions: [{ type: 'govuk.event-metadata', eventTimestampMs: new Date() }],
  });
  assert.equal(emulator.received.length, 1);
  assert.equal(Object.keys(emulator.received[0].events).length, 2);
});

test('TLS is verified against a bundle of ones own', async (t) => {
  const { emulator, transmitter, to } = await pair(t, { emulator: { tls: true } });
  assert.match(emulator.url, /^https:/);
  await transmitter.emit(revoked, ADA, { to });
  const distrustful = new Transmitter({ issuer: ISSUER, key: await SigningKey.generate('P-256') });
  await assert.rejects(distrustful.emit(revoked, ADA, { to }), {
    code: 'SSF_TLS_CERTIFICATE_UNTRUSTED',
    retryable: true,
  });
});

test('the steps of an emit', async (t) => {
  const { emulator, transmitter, to, key } = await pair(t);
  const unsigned = transmitter.prepare(revoked, ADA, { to, jti: 'jti-1' });
  assert.deepEqual([unsigned.jti, unsigned.algorithm], ['jti-1', 'ES256']);
  assert.equal(Buffer.from(unsigned.signingInput).toString().split('.').length, 2);
  const signed = await unsigned.sign(key);
  assert.ok(signed instanceof SignedSet);
  assert.equal(signed.event, 'caep.session-revoked');
  assert.equal((await signed.decode().verify(transmitter.jwks())).kid, key.kid);
  const direct = await transmitter.sign(revoked, ADA, { to, jti: 'jti-2', txn: 't' });
  assert.deepEqual([direct.jti, direct.decode().claims.txn], ['jti-2', 't']);
  await direct.decode().verify(transmitter.jwks());
  await assert.rejects(transmitter.sign(revoked, { format: 'email' }, { to }), { pointer: '/sub_id/email' });
  const again = SignedSet.parse(`${signed}`);
  assert.equal((await transmitter.deliver(again, { to, deadline: 600_000 })).jti, 'jti-1');
  assert.deepEqual(emulator.accepted, { 'jti-1': 1 });
});

test('after a bad answer, the same bytes are sent again', async (t) => {
  const script = { rules: [{ first: 2, fault: { status: { status: 503 } } }] };
  const { emulator, transmitter, to } = await pair(t, { emulator: { script } });
  const receipt = await transmitter.emit(revoked, ADA, { to, retry: { base: 1 } });
  assert.equal(receipt.attempts, 3);
  const sets = new Set(emulator.requests.map(({ claims }) => claims?.jti));
  assert.deepEqual([...sets], [receipt.jti]);
});

test('options of the transmitter hold where the call says nothing', async (t) => {
  const script = always({ status: { status: 503 } });
  const settings = { retry: { maxAttempts: 2, base: 1 } };
  const { transmitter, to } = await pair(t, { emulator: { script }, transmitter: settings });
  await assert.rejects(transmitter.emit(revoked, ADA, { to }), { code: 'SSF_RECEIVER_UNAVAILABLE' });
  assert.equal(transmitter.counters.attempts, 2);
  await assert.rejects(transmitter.emit(revoked, ADA, { to, retry: { maxAttempts: 1 } }), { status: 503 });
  assert.equal(transmitter.counters.attempts, 3);
});

test('emitAll takes as there is room, and gives all results', async (t) => {
  const { emulator, transmitter, to } = await pair(t);
  let taken = 0;
  let told = 0;
  let most = 0;
  async function* source() {
    for (let index = 0; index < 200; index++) {
      taken++;
      most = Math.max(most, taken - told);
      const subject = index % 50 === 7 ? { format: 'email', email: 'nobody' } : ADA;
      yield { event: revoked, subject, to, txn: `t-${index}` };
    }
  }
  const indexes = [];
  for await (const { index, emission, receipt, error } of transmitter.emitAll(source(), { concurrency: 2 })) {
    told++;
    indexes.push(index);
    assert.equal(emission.txn, `t-${index}`);
    if (index % 50 === 7) assert.equal(error?.code, 'SSF_SUBJECT_MEMBER_VALUE');
    else assert.equal(receipt?.status, 202);
  }
  assert.deepEqual(
    indexes.sort((a, b) => a - b),
    [...Array(200).keys()],
  );
  assert.equal(emulator.received.length, 196);
  // 32 pending, some done but not yet reported, one in hand; and never all.
  assert.ok(most < 120, `${most} taken and not told`);
});

test('emitAll takes arrays, abandons pending calls when the loop is left, and closes its source', async (t) => {
  const { transmitter, to } = await pair(t, { emulator: { script: { rules: [{ from: 2, fault: 'never' }] } } });
  const one = { event: revoked, subject: ADA, to };
  let closed = false;
  async function* source() {
    try {
      for (;;) yield one;
    } finally {
      closed = true;
    }
  }
  for await (const { receipt } of transmitter.emitAll(source(), { concurrency: 1 })) {
    assert.equal(receipt?.status, 202);
    break;
  }
  await transmitter.close();
  assert.ok(closed);
  await until(() => transmitter.counters.inFlight === 0);
  const { enqueued, delivered, failures } = transmitter.counters;
  // What is abandoned before a thread has begun with it is not counted at all.
  assert.deepEqual([delivered, failures.abandoned ?? 0], [1, enqueued - 1]);

  const quick = await pair(t);
  const results = [];
  for await (const result of quick.transmitter.emitAll([one, one].map((each) => ({ ...each, to: quick.to })))) {
    results.push(result.receipt?.status);
  }
  assert.deepEqual(results, [202, 202]);
});

test('a source of emitAll that fails ends it, after what was taken', async (t) => {
  const { transmitter, to } = await pair(t);
  async function* source() {
    yield { event: revoked, subject: ADA, to };
    throw new Error('the queue is gone');
  }
  const results = [];
  await assert.rejects(async () => {
    for await (const result of transmitter.emitAll(source())) results.push(result.receipt?.status);
  }, /the queue is gone/);
  assert.deepEqual(results, [202]);
});

test('what is no emission is an error among the results of emitAll', async (t) => {
  const { transmitter, to } = await pair(t);
  const results = [];
  for await (const result of transmitter.emitAll([null, { event: revoked, subject: ADA, to }, undefined])) {
    results[result.index] = result.receipt?.status ?? result.error;
  }
  assert.equal(results.length, 3);
  assert.equal(results[1], 202);
  assert.ok(results[0] instanceof Error);
  assert.ok(results[2] instanceof Error);
});

test('a transmitter closes when all pending calls have ended, and then rejects new ones', async (t) => {
  const { transmitter, to } = await pair(t, { emulator: { script: always({ slow_headers: { ms: 100 } }) } });
  const emit = transmitter.emit(revoked, ADA, { to });
  await transmitter[Symbol.asyncDispose]();
  assert.equal(transmitter.counters.delivered, 1);
  await emit;
  await assert.rejects(transmitter.emit(revoked, ADA, { to }), { code: 'SSF_TRANSMITTER_CLOSED' });
});

test('custom events, private subjects and dialects of ones own', async (t) => {
  const { emulator, transmitter } = await pair(t);
  const dialect = Dialect.fromToml('id = "mine"\nextends = "ssf-1.0"\n[set]\ntxn = "omit"\n');
  const to = emulator.receiver({ dialect });
  assert.equal(to.dialect.id, 'mine');
  const subject = {
    format: 'complex',
    user: ADA,
    device: customSubject('catalog_item', { catalog_id: 'c0384' }),
  };
  const event = customEvent({ uri: 'https://edr.example.com/events/quarantine', claims: { host: 'laptop-7' } });
  const { set } = await transmitter.emit(event, subject, { to });
  const { claims } = set.decode();
  assert.deepEqual(claims.sub_id.device, { catalog_id: 'c0384', format: 'catalog_item' });
  assert.deepEqual(claims.events, { 'https://edr.example.com/events/quarantine': { host: 'laptop-7' } });
  assert.equal(claims.txn, undefined);
});

test('keys rotate under a transmitter that goes on', async (t) => {
  const keys = new KeySet(await SigningKey.generate('P-256'));
  const next = await SigningKey.generate('P-256');
  const first = keys.active.kid;
  const staged = new Date();
  keys.stage(next, { now: staged });
  const emulator = await startReceiver({ issuer: ISSUER, keys: keys.jwks() });
  t.after(() => emulator.stop());
  const transmitter = new Transmitter({ issuer: ISSUER, key: keys });
  const to = emulator.receiver();
  await transmitter.emit(revoked, ADA, { to });
  assert.throws(() => keys.rotate({ publishedFor: 3_600_000 }), { code: 'SSF_KEY_SET_TOO_EARLY' });
  const later = new Date(staged.getTime() + 3_600_000);
  assert.equal(keys.rotate({ publishedFor: 3_600_000, now: later }), first);
  await transmitter.emit(revoked, ADA, { to });
  assert.deepEqual(
    emulator.requests.map(({ header }) => header.kid),
    [first, next.kid],
  );
  assert.equal(transmitter.jwks().keys.length, 2);
  keys.remove(first);
  assert.deepEqual([keys.retired, keys.next, keys.active.kid], [[], undefined, next.kid]);
});

test('what lint finds is on the receipt, or keeps a SET from being sent', async (t) => {
  const { transmitter, to } = await pair(t);
  const acme = Receiver.okta('https://acme.okta.com');
  const findings = transmitter.lint(caep.sessionRevoked(), ADA, { to: acme });
  assert.deepEqual(
    findings.map(({ rule, code }) => [rule, code.startsWith('SSF_')]),
    [
      ['alg-not-accepted', true],
      ['event-reason-missing', true],
      ['event-member-missing', true],
    ],
  );
  const misspelt = customEvent({ uri: eventUri('caep.session-revoked'), claims: { reason_admn: { en: 'x' } } });
  const receipt = await transmitter.emit(misspelt, ADA, { to });
  assert.deepEqual(
    receipt.findings.map(({ rule, severity }) => [rule, severity]),
    [['event-member-misspelt', 'warning']],
  );
  const allowed = await transmitter.emit(misspelt, ADA, { to, lint: { allow: ['event-member-misspelt'] } });
  assert.deepEqual(allowed.findings, []);
  await assert.rejects(transmitter.emit(misspelt, ADA, { to, lint: { refuse: 'warning' } }), (error) => {
    assert.equal(error.code, 'SSF_EVENT_MEMBER_VALUE');
    assert.deepEqual(
      error.findings.map(({ rule }) => rule),
      ['event-member-misspelt'],
    );
    return true;
  });
});

test('a doctor looks at both ends', async (t) => {
  const { transmitter, to } = await pair(t);
  const { isHealthy, checks } = await transmitter.doctor(revoked, ADA, { to });
  // Nobody serves the documents of edr.example.com.
  assert.equal(isHealthy, false);
  const outcomes = Object.fromEntries(checks.map(({ id, outcome }) => [id, outcome]));
  assert.ok(Object.values(outcomes).includes('passed'));
  for (const { id, outcome, message, remedy, duration } of checks) {
    assert.ok(message !== '' && (outcome !== 'failed' || remedy !== ''), id);
    assert.ok(duration >= 0 && duration < 10_000, `${id}: ${duration}`);
  }
});

test('handles show who they are, and nothing that is secret', async () => {
  const { inspect } = await import('node:util');
  const key = await SigningKey.generate('Ed25519');
  const transmitter = new Transmitter({ issuer: ISSUER, key });
  const receiver = Receiver.okta('https://acme.okta.com', { bearer: 's3cret-token' });
  const shown = inspect([key, transmitter, receiver, receiver.dialect], { depth: 9, showHidden: true });
  const { d } = await key.exportPrivateJwk();
  assert.ok(!shown.includes(d) && !shown.includes('s3cret-token'), shown);
  assert.match(shown, /SigningKey \{ algorithm: 'EdDSA'/);
  assert.match(shown, /acme\.okta\.com/);
});
