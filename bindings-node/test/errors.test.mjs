import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import {
  ConfigError,
  caep,
  customEvent,
  DeadlineExceeded,
  DeliveryError,
  explain,
  KeyMaterialError,
  OktaProviders,
  okta,
  Receiver,
  ReceiverRejected,
  SigningKey,
  SsfError,
  Transmitter,
  TransportError,
  ValidationError,
} from 'ssf-transmitter';
import { ADA, always, ISSUER, pair, run } from './setup.mjs';

const revoked = caep.sessionRevoked({ reasonAdmin: { en: 'Laptop lost' } });
const REFUSED = { status: { status: 400, err: 'invalid_request', description: 'about ada@example.com, softly' } };

test('a refusal is an error with all its parts, and what it quotes stays hidden', async (t) => {
  const { transmitter, to } = await pair(t, { emulator: { script: always(REFUSED) } });
  const error = await transmitter.emit(revoked, ADA, { to }).catch((caught) => caught);
  assert.ok(error instanceof ReceiverRejected && error instanceof DeliveryError && error instanceof SsfError);
  assert.deepEqual(
    [error.name, error.code, error.kind, error.retryable, error.status, error.receiverError],
    ['ReceiverRejected', 'SSF_RECEIVER_REJECTED', 'delivery', false, 400, 'invalid_request'],
  );
  assert.equal(error.receiverDescription, 'about [redacted], softly');
  assert.ok(!/ada@|softly/.test(`${inspect(error)}${error.stack}${JSON.stringify(error)}`), inspect(error));
});

test('the stack begins where the caller called, across awaits and without them', async (t) => {
  const { transmitter } = await pair(t);
  const to = new Receiver({ endpoint: 'http://127.0.0.1:1/', audience: 'x', allowLoopback: true });
  async function theCaller() {
    return transmitter.emit(revoked, ADA, { to, retry: { maxAttempts: 1 } });
  }
  const error = await theCaller().catch((caught) => caught);
  assert.ok(error instanceof TransportError);
  const [first, top] = error.stack.split('\n');
  assert.equal(first, `TransportError: ${error.message}`);
  assert.match(top, /at theCaller .*errors\.test\.mjs/);

  function sync() {
    return okta.userRiskChange({ curentLevel: 'high' });
  }
  assert.throws(sync, (thrown) => /\n {4}at sync .*errors\.test\.mjs/.test(thrown.stack.slice(0, 400)));
  const key = await SigningKey.generate('P-256');
  const make = () => new Transmitter({ issuer: '', key });
  assert.throws(make, (thrown) => /\n {4}at make .*errors\.test\.mjs/.test(thrown.stack));
});

test('a misspelt member is an error with its path, from a factory and from a literal', async (t) => {
  const { transmitter, to } = await pair(t);
  const uri = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
  const pointer = `/events/${uri.replaceAll('/', '~1')}/reasonAdmn`;
  const expected = { code: 'SSF_EVENT_MEMBER_VALUE', pointer, message: /did you mean reasonAdmin\?/ };
  assert.throws(() => caep.sessionRevoked({ reasonAdmn: { en: 'x' } }), expected);
  const literal = { type: 'caep.session-revoked', reasonAdmn: { en: 'x' } };
  await assert.rejects(transmitter.emit(literal, ADA, { to }), expected);
  await assert.rejects(transmitter.emit({ type: 'caep.session-revokd' }, ADA, { to }), {
    code: 'SSF_EVENT_URI_INVALID',
    message: /did you mean caep\.session-revoked\?/,
  });
});

test('a misspelt option is an error with its name and the one that was meant', async (t) => {
  const { transmitter, to, key } = await pair(t);
  const wrong = (pointer, message) => (error) => {
    assert.ok(error instanceof ConfigError, error.stack);
    assert.deepEqual([error.code, error.pointer], ['SSF_CONFIGURATION_INVALID', pointer]);
    assert.match(error.message, message);
    return true;
  };
  assert.throws(() => new Transmitter({ issuer: ISSUER, key, deadlin: 1 }), wrong('/deadlin', /mean deadline\?/));
  assert.throws(() => new Transmitter({ issuer: ISSUER }), wrong('/key', /missing/));
  assert.throws(() => new Transmitter({ key }), wrong('/issuer', /missing/));
  assert.throws(() => new Transmitter({ issuer: 7, key }), wrong('/issuer', /expected a string, got a number/));
  assert.throws(() => new Transmitter({ issuer: ISSUER, key, retry: { tries: 1 } }), wrong('/tries', /no option/));
  for (const [theirs, ours] of [
    ['timeout', 'deadline'],
    ['retries', 'retry'],
    ['agent', 'proxy'],
    ['dispatcher', 'proxy'],
    ['ca', 'caBundle'],
    ['cert', 'clientCertificate'],
    ['localAddress', 'sourceAddress'],
  ]) {
    const meant = new RegExp(`no option ${theirs}; did you mean ${ours}\\?`);
    assert.throws(() => new Transmitter({ issuer: ISSUER, key, [theirs]: 1 }), wrong(`/${theirs}`, meant));
  }
  assert.throws(() => new Receiver({ endpoint: 'https://x.example' }), wrong('/audience', /missing/));
  assert.throws(() => Receiver.okta('https://acme.okta.com', { concurency: 3 }), wrong('/concurency', /concurrency\?/));
  assert.throws(() => Receiver.okta('https://acme.okta.com', { concurrency: 0 }), wrong('/concurrency', /one or more/));
  assert.throws(() => new OktaProviders({ org: 'https://acme.okta.com', token: 'x' }), wrong('/token', /no option/));
  await assert.rejects(transmitter.emit(revoked, ADA, { too: to }), wrong('/too', /mean to\?/));
  await assert.rejects(transmitter.emit(revoked, ADA, {}), wrong('/to', /expected a Receiver/));
  await assert.rejects(transmitter.emit(revoked, ADA), wrong(undefined, /expected an object/));
  await assert.rejects(transmitter.emit(revoked, ADA, { to: {} }), wrong('/to', /expected a Receiver/));
  await assert.rejects(
    transmitter.emit(revoked, ADA, { to, deadline: Number.NaN }),
    wrong('/deadline', /milliseconds/),
  );
  await assert.rejects(SigningKey.fromPem(12), wrong('/pem', /a string or a Uint8Array/));
  await assert.rejects(SigningKey.fromPem('', { passwort: 'x' }), wrong('/passwort', /password\?/));
});

test('headers are an object or pairs, and parameters an object', () => {
  const explained = (headers) => explain('', { status: 401, headers });
  const headers = { 'content-type': 'text/plain', 'www-authenticate': 'Bearer error_description="expired"' };
  const expected = explained(headers);
  assert.notDeepEqual(expected, explained({}));
  const pairs = Object.entries(headers);
  for (const given of [new Headers(headers), new Map(pairs), pairs, pairs.values()]) {
    assert.deepEqual(explained(given), expected);
  }
  const wrong = { code: 'SSF_CONFIGURATION_INVALID', pointer: '/headers' };
  for (const given of [new Map([['content-type', 120]]), [['content-type']], 'content-type', new Date(), 7]) {
    assert.throws(() => explained(given), wrong);
  }
  const clientCredentials = { tokenUrl: 'https://x.example/token', clientId: 'a', clientSecret: 'b' };
  const open = (parameters) =>
    Receiver.govukOneLogin('https://x.example', {
      audience: 'https://x.example',
      clientCredentials: { ...clientCredentials, parameters },
    });
  open({ resource: 'x' });
  for (const given of [new Map([['resource', 'x']]), new URLSearchParams('resource=x')]) {
    assert.throws(() => open(given), { code: 'SSF_CONFIGURATION_INVALID' });
  }
});

test('a secret that stands where it should not does not reach a message', async () => {
  const secrets = ['s3cret-token'];
  const attempts = [
    () => new OktaProviders({ org: 'https://acme.okta.com', apiToken: secrets }),
    () => Receiver.okta('https://acme.okta.com', { bearer: secrets }),
    () => Receiver.okta('https://acme.okta.com', { bearer: 's3cret-token\nx' }),
    () => SigningKey.fromJwk('{"k":"s3cret-token"'),
    () => SigningKey.fromPem('-----BEGIN s3cret-token-----'),
  ];
  for (const attempt of attempts) {
    await assert.rejects(
      async () => attempt(),
      (error) => error instanceof SsfError && !inspect(error).includes('s3cret-token'),
    );
  }
});

test('groups have classes', async (t) => {
  const { transmitter, to } = await pair(t, { emulator: { script: always('never') } });
  await assert.rejects(SigningKey.fromPem('no key'), KeyMaterialError);
  await assert.rejects(transmitter.emit(revoked, { format: 'email', email: 'x' }, { to }), ValidationError);
  await assert.rejects(transmitter.emit(revoked, ADA, { to, deadline: 200 }), (error) => {
    assert.ok(error instanceof DeadlineExceeded || error instanceof TransportError, inspect(error));
    return true;
  });
});

test('hostile input is an error, and nothing else', async (t) => {
  const { transmitter, to } = await pair(t);
  const circle = {};
  circle.circle = circle;
  let deep = {};
  for (let depth = 0; depth < 20_000; depth++) deep = { deep };
  const trap = {
    get reasonAdmin() {
      throw new Error('trapped');
    },
    type: 'caep.session-revoked',
  };
  const broken = new Proxy(
    {},
    {
      ownKeys() {
        throw new Error('trapped');
      },
    },
  );
  const claims = (value) => customEvent({ uri: 'urn:example:event', claims: { value } });
  const events = [
    undefined,
    null,
    7,
    'x',
    [],
    () => {},
    Symbol('x'),
    1n,
    {},
    { type: 7 },
    { type: '__proto__' },
    { type: 'custom' },
    { type: 'custom', uri: 7 },
    { type: 'custom', uri: 'urn:x', claims: 7 },
    { type: 'caep.session-revoked', otherMembers: 7 },
    { type: 'caep.session-revoked', eventTimestamp: new Date(Number.NaN) },
    { type: 'caep.session-revoked', eventTimestamp: Number.NaN },
    { type: 'caep.session-revoked', eventTimestamp: Date.now() },
    { type: 'caep.session-revoked', constructor: 1 },
    { type: 'caep.token-claims-change', claims: circle },
    { type: 'govuk.event-details' },
    { type: 'oauth.token-revoked', tokenSubject: circle },
    claims(1n << 64n),
    claims(circle),
    claims(deep),
    claims('\ud800'),
  ];
  for (const event of events) {
    await assert.rejects(transmitter.emit(event, ADA, { to }), SsfError, inspect(event, { depth: 1 }));
  }
  await assert.rejects(transmitter.emit(trap, ADA, { to }), /trapped/);
  await assert.rejects(transmitter.emit(broken, ADA, { to }), Error);
  const subjects = [
    undefined,
    null,
    7,
    'x',
    [],
    {},
    { format: 7 },
    { format: '__proto__' },
    { format: 'email', email: 1n },
    circle,
    deep,
    { format: 'complex', user: circle },
    { format: 'email', email: 'ada@example.com', constructor: 1 },
  ];
  for (const subject of subjects) {
    await assert.rejects(transmitter.emit(revoked, subject, { to }), SsfError, inspect(subject, { depth: 1 }));
  }
  const polluting = JSON.parse('{"__proto__": {"polluted": 1}, "x": 2}');
  const { set } = await transmitter.emit(caep.sessionRevoked({ otherMembers: polluting }), ADA, { to });
  const [members] = Object.values(set.decode().claims.events);
  assert.deepEqual(Object.keys(members), ['__proto__', 'x']);
  assert.equal({}.polluted, undefined);
  assert.equal(transmitter.counters.delivered, 1);
  assert.throws(() => Object.create(SigningKey.prototype).kid, TypeError);
});

test('a failure that nobody waits for is one unhandled rejection, and an awaited one none', async () => {
  const { code, stdout, stderr } = await run(`
    import assert from 'node:assert/strict';
    import { caep, ConfigError, Receiver, SigningKey, Transmitter } from 'ssf-transmitter';

    const seen = [];
    process.on('unhandledRejection', (reason) => seen.push(reason));
    const key = await SigningKey.generate('P-256');
    const transmitter = new Transmitter({ issuer: 'https://edr.example.com', key, retry: { maxAttempts: 1 } });
    const to = new Receiver({ endpoint: 'http://127.0.0.1:1/', audience: 'x', allowLoopback: true });
    const one = { event: caep.sessionRevoked(), subject: { format: 'opaque', id: '1' }, to };
    await assert.rejects(transmitter.emit(one.event, one.subject, { to }));
    await transmitter.emit(one.event, one.subject, { to }).catch(() => {});
    for await (const { error } of transmitter.emitAll([one, one])) assert.ok(error);
    for await (const { error } of transmitter.emitAll([one, one, one])) break;
    const signal = AbortSignal.timeout(0);
    await assert.rejects(async () => { for await (const _ of transmitter.emitAll([one], { signal })); }, () => true).catch(() => {});
    const emit = transmitter.emit(one.event, one.subject, { to });
    await Promise.all([transmitter.close(), assert.rejects(emit)]);
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    assert.deepEqual(seen, []);
    transmitter.deliver('no set', { to });
    transmitter.emit(one.event, one.subject, { to });
    while (seen.length < 2) await new Promise(setImmediate);
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    assert.equal(seen.length, 2);
    assert.ok(seen.every((reason) => reason instanceof ConfigError));
    console.log('done');
  `);
  assert.deepEqual([code, stdout, stderr], [0, 'done\n', '']);
});
