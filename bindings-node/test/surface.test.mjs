// Behaviour at the surface that all languages share: tests/vectors/surface.json.

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'node:test';
import {
  customEvent,
  Dialect,
  explain,
  lint,
  Receiver,
  Signer,
  SigningKey,
  SsfError,
  Transmitter,
} from 'ssf-transmitter';
import { startReceiver } from 'ssf-transmitter/testing';
import { ISSUER, until } from './setup.mjs';

const read = (name) => JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}`, import.meta.url), 'utf8'));
const FILE = read('surface.json');
const COUNTS = read('manifest.json')['surface.json'];

/** Runs all cases of a kind, each as a test of its own. */
function each(title, kind, check) {
  test(title, async (t) => {
    assert.equal(FILE[kind].length, COUNTS[kind]);
    for (const one of FILE[kind]) await t.test(one.name, (t) => check(t, one));
  });
}

/** A signer that does what a case wants, and its public key. */
function signerOf(does) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k-1', alg: 'ES256', use: 'sig' };
  const call = {
    signs: (input) => ({ der: new Uint8Array(sign('sha256', input, { key: privateKey, dsaEncoding: 'der' })) }),
    fails: async () => {
      throw new Error('the service is gone');
    },
    malformed: () => new Uint8Array(1),
    late: () => new Promise(() => {}),
  }[does];
  return { sign: call, jwk };
}

const milliseconds = (seconds) => (seconds === undefined ? undefined : seconds * 1000);

/** Bounds as this package takes them. */
function bounds({ deadline, retry } = {}) {
  const policy = retry && {
    maxAttempts: retry.max_attempts,
    attemptTimeout: milliseconds(retry.attempt_timeout),
    base: milliseconds(retry.base),
    maxBackoff: milliseconds(retry.max_backoff),
    maxRetryAfter: milliseconds(retry.max_retry_after),
  };
  return { deadline: milliseconds(deadline), retry: policy };
}

function event(one) {
  const [[uri, claims]] = Object.entries(one.event ?? FILE.default.event);
  return customEvent({ uri, claims });
}

const subject = (one) => one.subject ?? FILE.default.subject;

/** What a case plays with. */
async function world(t, one, issuer = ISSUER) {
  const settings = { issuer, ...bounds(one.transmitter) };
  if (settings.retry === undefined && one.attempts === undefined) settings.retry = { maxAttempts: 1 };
  let jwk;
  if (one.signer === undefined) {
    settings.key = (await SigningKey.generate('P-256')).withKid('k-1');
    jwk = settings.key.publicJwk;
  } else {
    const made = signerOf(one.signer);
    jwk = made.jwk;
    settings.key = new Signer({ sign: made.sign, algorithm: 'ES256', kid: 'k-1', publicKey: jwk });
  }
  const script = one.fault && { rules: [{ fault: one.fault }] };
  const emulator = await startReceiver({ issuer, keys: { keys: [jwk] }, script });
  t.after(() => emulator.stop());
  const dialect = one.dialect && Dialect.builtIn(one.dialect);
  const to = new Receiver({ endpoint: emulator.url, audience: emulator.audience, dialect, allowLoopback: true });
  return { transmitter: new Transmitter(settings), to, emulator, jwk };
}

const emit = ({ transmitter, to }, one) => transmitter.emit(event(one), subject(one), { to, ...bounds(one.call) });

/** The code of an error, as the vectors have it; `undefined` if there is none. */
async function codeOf(work) {
  try {
    await work();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof SsfError, error);
    return error.code.slice('SSF_'.length).toLowerCase();
  }
}

function counted({ counters }) {
  const failures = Object.entries(counters.failures).map(([code, count]) => [
    code.replace('SSF_', '').toLowerCase(),
    count,
  ]);
  const { enqueued, delivered, failed, inFlight, attempts } = counters;
  return { enqueued, delivered, failed, in_flight: inFlight, attempts, failures: Object.fromEntries(failures) };
}

each('a call overrides what it names of the policy, and nothing else', 'policies', async (t, one) => {
  const all = await world(t, one);
  assert.equal(await codeOf(() => emit(all, one)), one.code);
  assert.equal(all.transmitter.counters.attempts, one.attempts);
});

each('whatever ends an emit is counted once', 'counters', async (t, one) => {
  const all = await world(t, one);
  const { transmitter, to } = all;
  for (const step of one.do) {
    if (step === 'emit') {
      assert.equal(await codeOf(() => emit(all, one)), one.code);
    } else if (step === 'emit_all') {
      const emissions = one.emissions.map((each) => ({ event: event(each), subject: subject(each), to }));
      for await (const _ of transmitter.emitAll(emissions));
    } else if (step === 'deliver') {
      await transmitter.deliver(await transmitter.sign(event(one), subject(one), { to }), { to });
    } else {
      transmitter[step](event(one), subject(one), { to });
    }
  }
  assert.deepEqual(counted(transmitter), one.counters);
});

test('the failures are counted by the code of the error', async (t) => {
  const all = await world(t, { signer: 'fails' });
  await assert.rejects(emit(all, {}), (error) => {
    assert.equal(all.transmitter.counters.failures[error.code], 1);
    return true;
  });
});

test('an emit that is aborted is counted as abandoned', async (t) => {
  for (const signer of [undefined, 'late']) {
    const { transmitter, to } = await world(t, { signer, fault: 'never' });
    const controller = new AbortController();
    const sending = transmitter.emit(event({}), subject({}), { to, signal: controller.signal });
    await until(() => transmitter.counters.inFlight === 1);
    controller.abort();
    await assert.rejects(sending, { name: 'AbortError' });
    await until(() => transmitter.counters.inFlight === 0);
    assert.deepEqual(transmitter.counters.failures, { abandoned: 1 });
  }
});

each('lint finds what is wrong, and never throws', 'lint', (_, one) => {
  const what = one.text ?? { event: event(one), subject: subject(one) };
  const found = lint(what, { dialect: one.dialect ?? 'ssf-1.0' });
  assert.deepEqual(
    found.map(({ rule, severity, pointer }) => ({ rule, severity, pointer })),
    one.findings,
  );
});

test('what is no event and no subject is a finding too', async (t) => {
  const { transmitter, to, emulator } = await world(t, {});
  for (const nothing of [
    undefined,
    null,
    7,
    {},
    { type: 'caep.session-revokd' },
    { type: 'caep.session-revoked', x: 1 },
  ]) {
    assert.notDeepEqual(transmitter.lint(nothing, subject({}), { to }), []);
    assert.notDeepEqual(lint({ event: nothing, subject: subject({}) }), []);
    assert.notDeepEqual(transmitter.lint(event({}), nothing, { to }), []);
    const options = { to, configurationUrl: emulator.url, send: true };
    const { checks } = await transmitter.doctor(event({}), nothing, options);
    assert.equal(checks.find(({ id }) => id === 'lint').outcome, 'failed');
  }
});

each('a doctor says the same of a signer as of a key', 'doctor', async (t, one) => {
  const served = new Map();
  const server = createServer(({ url }, answer) => {
    answer.setHeader('content-type', 'application/json').end(JSON.stringify(served.get(url)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const base = `http://127.0.0.1:${server.address().port}`;
  const { transmitter, to, jwk } = await world(t, one, base);
  served.set('/.well-known/ssf-configuration', { spec_version: '1_0', issuer: base, jwks_uri: `${base}/jwks.json` });
  const published = { other_kid: { ...jwk, kid: 'another' }, other_key: signerOf('signs').jwk }[one.published] ?? jwk;
  served.set('/jwks.json', { keys: [published] });
  const { checks } = await transmitter.doctor(event(one), subject(one), { to, send: one.send });
  for (const expected of one.checks) {
    const { outcome, message, remedy } = checks.find(({ id }) => id === expected.id);
    assert.deepEqual([outcome, remedy], [expected.outcome, expected.remedy], message);
    assert.ok(message.includes(expected.says), message);
  }
});

each('an error is explained in the same words', 'explain', async (t, one) => {
  const all = await world(t, one);
  const error = await emit(all, one).then(assert.fail, (error) => error);
  const { reason, cause, remedy, findings } = explain('', error, { dialect: one.dialect ?? 'ssf-1.0' });
  assert.deepEqual({ reason, cause, remedy, findings: findings.map(({ rule }) => rule) }, one.explanation);
});

each('the keys to publish are those of the signer, or an error', 'jwks', async (_, one) => {
  const publicKey = one.pem ?? one.jwk ?? (one.der_base64 && new Uint8Array(Buffer.from(one.der_base64, 'base64')));
  const { sign } = signerOf('signs');
  const jwks = () => {
    const key = new Signer({ sign, algorithm: one.algorithm, kid: one.kid ?? undefined, publicKey });
    return new Transmitter({ issuer: ISSUER, key }).jwks();
  };
  if (one.code !== undefined) assert.equal(await codeOf(jwks), one.code);
  else assert.deepEqual(jwks(), { keys: [one.published] });
});

each('a close waits for pending calls, and rejects new ones', 'close', async (t, one) => {
  const all = await world(t, { ...one, fault: { slow_headers: { ms: 500 } } });
  const { transmitter, to } = all;
  const sending = Array.from({ length: one.in_flight }, () => emit(all, one));
  await until(() => transmitter.counters.enqueued === one.in_flight);
  const closing = transmitter.close();
  assert.equal(await codeOf(() => emit(all, one)), 'transmitter_closed');
  const results = [];
  for await (const { error } of transmitter.emitAll([{ event: event(one), subject: subject(one), to }])) {
    results.push(error?.code);
  }
  assert.deepEqual(results, ['SSF_TRANSMITTER_CLOSED']);
  await closing;
  assert.deepEqual(counted(transmitter), one.counters);
  await Promise.all(sending);
  await transmitter.close();
  const { checks } = await transmitter.doctor(event(one), subject(one), { to });
  assert.deepEqual(
    checks.map(({ id }) => id),
    ['transmitter'],
  );
  assert.equal(transmitter.jwks().keys.length, 1);
  assert.ok(transmitter.prepare(event(one), subject(one), { to }).jti);
});
