// The stream API, in the servers that mount it.

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import express from 'express';
import { decodeJwt, SignJWT } from 'jose';
import { caep, customEvent, Dialect, SigningKey, SsfError } from 'ssf-transmitter';
import { Outbox, Worker } from 'ssf-transmitter/outbox';
import { generateStaticToken, StreamApi } from 'ssf-transmitter/streams';
import { authenticator, MOUNTS, Server } from './mounts.mjs';
import { ADA, folder, ISSUER, pair, postgresUrl } from './setup.mjs';

const read = (name) => JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}`, import.meta.url), 'utf8'));
const FILE = read('stream-api.json');
const REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
const AS_ACME = { authorization: 'Bearer of-acme' };
const JSON_TYPE = { 'content-type': 'application/json' };

let server;
let key;
let schemas = 0;
before(async () => {
  server = await new Server().start();
  key = await SigningKey.generate('P-256');
});
after(() => server.stop());

function apiOver(outbox, options = {}) {
  return new StreamApi({ issuer: ISSUER, key, outbox, events: ['caep.session-revoked'], ...options });
}

/** Runs a test for each mount. */
function everywhere(title, check) {
  for (const [name, mount] of Object.entries(MOUNTS)) {
    test(`${name}: ${title}`, (t) =>
      check(t, async (api, find = authenticator()) => {
        server.listener = await mount(api, find);
      }));
  }
}

async function create() {
  const options = { body: { events_requested: [REVOKED] }, headers: { ...AS_ACME, ...JSON_TYPE } };
  const { status, body } = await server.request('POST', '/ssf/streams', options);
  assert.equal(status, 201);
  return body;
}

async function poll({ stream_id }, body = {}) {
  const headers = { ...AS_ACME, ...JSON_TYPE };
  const answer = await server.request('POST', `/ssf/poll/${stream_id}`, { body, headers });
  assert.equal(answer.status, 200);
  return answer.body.sets;
}

/** A transmitter, and the names that a case has given to values so far. */
class Case {
  names = {};
  waits = false;

  constructor(steps) {
    const { issuer, events_supported: events, lease } = FILE.settings;
    this.outbox = Outbox.inMemory();
    this.api = new StreamApi({
      issuer,
      key,
      outbox: this.outbox,
      events,
      // Where time must pass, it is short.
      lease: steps.some((step) => 'advance' in step) ? 3000 : lease * 1000,
      longPoll: 0,
      minVerificationInterval: 0,
      push: true,
      rateLimit: 0,
    });
  }

  filled(value) {
    let text = JSON.stringify(value);
    for (const [name, known] of Object.entries(this.names)) text = text.replaceAll(`{${name}}`, known);
    return JSON.parse(text);
  }

  async run({ publish, advance, counts, ...step }) {
    if (publish !== undefined) {
      const [[uri, claims]] = Object.entries(publish.event);
      this.names.jti = (await this.api.publish(customEvent({ uri, claims }), publish.subject)).jtis[0];
    } else if (advance !== undefined) this.waits = true;
    else if (counts !== undefined) {
      const found = await this.outbox.counts();
      const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
      for (const [name, count] of Object.entries(counts)) assert.equal(found[camel(name)], count, name);
    } else await this.request(step);
  }

  async request({ caller = 'acme', capture = {}, ...step }) {
    const { method, target, body, content_type: type } = this.filled(step.request);
    const tokens = { acme: 'of-acme', apple: 'of-apple', other: 'of-globex', reader: 'of-a-reader', invalid: 'wrong' };
    const token = tokens[caller];
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    if (type !== undefined) headers['content-type'] = type;
    let answer;
    do answer = await server.request(method, target, { body, headers });
    while (
      // Until the lease has ended.
      this.waits &&
      Object.keys(answer.body.sets).length === 0
    );
    for (const [name, pointer] of Object.entries(capture)) this.names[name] = answer.body[pointer.slice(1)];
    compare(answer, this.filled(step.response));
  }
}

function compare({ status, headers, text, body }, expected) {
  assert.equal(status, expected.status, text);
  if (expected.cache_control !== undefined) assert.equal(headers['cache-control'], expected.cache_control);
  if (expected.sets !== undefined) assert.deepEqual(Object.keys(body.sets), expected.sets);
  else if (expected.err !== undefined) {
    assert.equal(body.err, expected.err);
    assert.equal(typeof body.description, 'string');
  } else if (expected.body !== undefined) {
    assert.deepEqual(body, expected.body);
    assert.equal(headers['content-type'], 'application/json');
  } else assert.equal(text, '');
}

everywhere('changes of streams, and attempts, are told', async (_t, mount) => {
  const audits = [];
  await mount(apiOver(Outbox.inMemory(), { onAudit: (audit) => audits.push(audit) }));
  const before = Date.now();
  const stream = await create();
  await poll(stream, { returnImmediately: true });
  const headers = { ...AS_ACME, ...JSON_TYPE };
  const refused = await server.request('POST', '/ssf/status', { body: { ...stream, status: 'x' }, headers });
  assert.equal(refused.status, 400);
  assert.deepEqual(
    audits.map(({ when, ...rest }) => rest),
    [
      { caller: 'acme', action: 'stream.create', stream: stream.stream_id, outcome: 'done' },
      { caller: 'acme', action: 'status.update', stream: stream.stream_id, outcome: refused.body.err },
    ],
  );
  for (const { when } of audits) assert.ok(when >= new Date(before) && when <= new Date());
});

/** Waits for a warning with this message. Node has warnings of its own. */
function warning(message) {
  return new Promise((resolve) => {
    const listen = (told) => {
      if (told.message !== message) return;
      process.off('warning', listen);
      resolve();
    };
    process.on('warning', listen);
  });
}

test('what the transmitter does to a stream by itself is told, too; an error of onAudit is a warning', async () => {
  const audits = [];
  const onAudit = (audit) => {
    audits.push(audit);
    throw new Error('the log is full');
  };
  const api = apiOver(Outbox.inMemory(), { onAudit });
  server.listener = await MOUNTS['node:http'](api, authenticator());
  const warned = warning('the log is full');
  const { stream_id } = await create();
  await warned;
  await api.stopStream(stream_id, 'maintenance', 'pause');
  const [[jti]] = Object.entries(await poll({ stream_id }));
  const again = warning('the log is full');
  await poll({ stream_id }, { ack: [jti], returnImmediately: true });
  await api.maintain();
  await again;
  assert.deepEqual(
    audits.map(({ caller, action, stream }) => [caller, action, stream]),
    [
      ['acme', 'stream.create', stream_id],
      [undefined, 'stream.pause', stream_id],
    ],
  );
});

everywhere('every case of the vectors', async (t, mount) => {
  assert.equal(FILE.cases.length, read('manifest.json')['stream-api.json'].cases);
  for (const { name, steps } of FILE.cases) {
    await t.test(name, async () => {
      const world = new Case(steps);
      await mount(world.api, authenticator(FILE.settings.audience));
      for (const step of steps) await world.run(step);
    });
  }
});

everywhere('a receiver polls what is published', async (_, mount) => {
  const outbox = Outbox.inMemory();
  const api = apiOver(outbox);
  await mount(api);
  const found = await server.request('GET', '/.well-known/ssf-configuration');
  assert.deepEqual(found.body, api.configuration());
  const known = { headers: { 'if-none-match': found.headers.etag } };
  assert.equal((await server.request('GET', '/.well-known/ssf-configuration', known)).status, 304);
  assert.equal((await server.request('HEAD', '/.well-known/ssf-configuration')).text, '');

  const stream = await create();
  const [sets, published] = await Promise.all([poll(stream), api.publish(caep.sessionRevoked(), ADA)]);
  assert.deepEqual([Object.keys(sets), published.streams], [published.jtis, 1]);
  await poll(stream, { ack: published.jtis, maxEvents: 0, returnImmediately: true });
  assert.equal((await outbox.counts()).delivered, 1);
});

everywhere('other paths belong to the host', async (_, mount) => {
  await mount(apiOver(Outbox.inMemory()));
  assert.equal((await server.request('GET', '/login')).body, 'theirs');
});

everywhere('a client that disconnects ends its poll', async (_, mount) => {
  const api = apiOver(Outbox.inMemory(), { longPoll: 3_600_000 });
  const ended = new EventEmitter();
  await mount(watched(api, ended));
  const stream = await create();
  const options = { body: {}, headers: { ...AS_ACME, ...JSON_TYPE } };
  const request = server.begin('POST', `/ssf/poll/${stream.stream_id}`, options);
  request.on('error', () => {});
  await once(ended, 'begin');
  const gone = once(ended, 'end');
  request.destroy();
  await gone;
  const published = await api.publish(caep.sessionRevoked(), ADA);
  // It was given to nobody.
  assert.deepEqual(Object.keys(await poll(stream, { returnImmediately: true })), published.jtis);
});

/** An API that tells when its handlers begin and end to answer a poll. */
function watched(api, events) {
  const tell =
    (handle) =>
    async (request, ...more) => {
      if (!request.url.includes('/poll/')) return handle(request, ...more);
      try {
        const answer = handle(request, ...more);
        events.emit('begin');
        return await answer;
      } finally {
        events.emit('end');
      }
    };
  return {
    serves: (path) => api.serves(path),
    nodeHandler: (find) => tell(api.nodeHandler(find)),
    fetchHandler: (find) => tell(api.fetchHandler(find)),
  };
}

everywhere('nobody waits for a body that is not wanted', async (_, mount) => {
  await mount(apiOver(Outbox.inMemory()));
  const announced = 'Content-Type: application/json\r\nContent-Length: ';
  for (const [headers, expected] of [
    [`${announced}10`, 401],
    [`Authorization: Bearer wrong\r\n${announced}10`, 401],
    [`Authorization: Bearer of-acme\r\n${announced}1000000`, 413],
    ['Authorization: Bearer of-acme\r\nContent-Type: text/plain\r\nContent-Length: 10', 415],
  ]) {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`POST /ssf/streams HTTP/1.1\r\nHost: tr\r\n${headers}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    assert.match(answer.toString(), new RegExp(`^HTTP/1.1 ${expected} `));
    socket.destroy();
  }
});

everywhere('a body without a length has a limit', async (_, mount) => {
  await mount(apiOver(Outbox.inMemory()));
  const socket = connect(server.port, '127.0.0.1');
  const head = 'POST /ssf/streams HTTP/1.1\r\nHost: tr\r\nAuthorization: Bearer of-acme\r\nTransfer-Encoding: chunked';
  // The end never comes.
  socket.write(`${head}\r\n\r\n${(70_000).toString(16)}\r\n${' '.repeat(70_000)}\r\n`);
  const [answer] = await once(socket, 'data');
  assert.match(answer.toString(), /^HTTP\/1.1 413 /);
  socket.destroy();
});

test('a body that was read before is an error that says so', async () => {
  const api = apiOver(Outbox.inMemory());
  const app = express();
  app.use(
    express.json(),
    api.nodeHandler(({ headers }) => authenticator()(headers.authorization)),
  );
  let caught;
  app.use((error, _request, response, _next) => {
    caught = error;
    response.status(500).end('{}');
  });
  server.listener = app;
  const headers = { ...AS_ACME, ...JSON_TYPE };
  assert.equal((await server.request('POST', '/ssf/streams', { body: {}, headers })).status, 500);
  assert.match(caught.message, /before what parses bodies/);
});

test('the API finds out who calls, by static tokens and by those of an issuer', async (t) => {
  const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const jwk = { ...(await crypto.subtle.exportKey('jwk', publicKey)), kid: 'k-1', alg: 'ES256', use: 'sig' };
  const keys = createServer((_, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
  });
  await once(keys.listen(0, '127.0.0.1'), 'listening');
  t.after(() => keys.close());
  const issuer = `http://127.0.0.1:${keys.address().port}`;

  const { secret, hash } = generateStaticToken();
  const api = apiOver(Outbox.inMemory(), {
    authenticator: {
      tokens: { [hash]: { receiver: 'acme', scopes: ['ssf.manage'], audience: ['https://acme.example.com'] } },
      issuers: [
        {
          issuer,
          jwksUri: `${issuer}/jwks.json`,
          clients: { 'client-1': { receiver: 'globex', audience: 'https://globex.example.com' } },
        },
      ],
      allowLoopback: true,
    },
  });
  const token = (claims) =>
    new SignJWT({ client_id: 'client-1', scope: 'ssf.read', ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k-1' })
      .setIssuer(issuer)
      .setSubject('client-1')
      .setAudience(`${ISSUER}/ssf`)
      .setJti('1')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
  const { Hono } = await import('hono');
  const { getRequestListener } = await import('@hono/node-server');
  const handle = api.fetchHandler();
  const hono = new Hono().all('*', (context) => handle(context.req.raw));
  for (const listener of [api.nodeHandler(undefined, { limitByAddress: true }), getRequestListener(hono.fetch)]) {
    server.listener = listener;
    for (const [shown, method, expected] of [
      [secret, 'GET', 200],
      ['ssf_wrong', 'GET', 401],
      [await token({}), 'GET', 200],
      [await token({}), 'POST', 403],
      [await token({ client_id: 'client-2' }), 'GET', 403],
    ]) {
      const headers = { authorization: `Bearer ${shown}` };
      assert.equal((await server.request(method, '/ssf/streams', { headers })).status, expected);
    }
    const { headers } = await server.request('GET', '/ssf/streams');
    const metadata = `${ISSUER}/.well-known/oauth-protected-resource/ssf`;
    assert.equal(headers['www-authenticate'], `Bearer resource_metadata="${metadata}"`);
    const { body } = await server.request('GET', new URL(metadata).pathname);
    assert.equal(body.resource, `${ISSUER}/ssf`);
  }
});

test('a worker sends to push streams', async (t) => {
  const { key: signing, emulator, transmitter } = await pair(t, { emulator: { tls: true } });
  const outbox = Outbox.inMemory();
  const api = apiOver(outbox, { key: signing, push: true, allowLoopback: true });
  server.listener = await MOUNTS.express(api, authenticator(emulator.audience));
  const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url: emulator.url };
  const body = { events_requested: [REVOKED], delivery };
  const headers = { ...AS_ACME, ...JSON_TYPE };
  assert.equal((await server.request('POST', '/ssf/streams', { body, headers })).status, 201);
  await api.publish(caep.sessionRevoked(), ADA, { txn: 'incident-4711' });
  const worker = new Worker(outbox, transmitter, { receivers: {}, streams: api });
  assert.deepEqual(await worker.drain(), { delivered: 1, failed: 0 });
  emulator.assertReceived('caep.session-revoked', ADA);
});

test('the transmitter looks after its streams', async () => {
  const api = apiOver(Outbox.inMemory(), { canary: 60_000, inactivityTimeout: 3_600_000, maxHeldAge: 3_600_000 });
  server.listener = await MOUNTS.express(api, authenticator());
  const stream = await create();
  const { enabled, paused, disabled, failed } = await api.maintain();
  assert.deepEqual({ enabled, paused, disabled, failed }, { enabled: 1, paused: 0, disabled: 0, failed: 0 });
  assert.equal(Object.keys(await poll(stream, { returnImmediately: true })).length, 1);
  assert.equal((await api.maintain()).canaryStream, stream.stream_id);
});

test('the transmitter stops a stream and lets it go on', async () => {
  const api = apiOver(Outbox.inMemory());
  server.listener = await MOUNTS.express(api, authenticator());
  const stream = await create();
  const { stream_id: id } = stream;
  const status = async () => {
    const answer = await server.request('GET', `/ssf/status?stream_id=${id}`, { headers: AS_ACME });
    return answer.body.status;
  };
  for (const [how, stopped] of [
    ['pause', 'paused'],
    ['disable', 'disabled'],
  ]) {
    assert.equal(await api.stopStream(id, 'migration', how), true);
    assert.equal(await api.stopStream(id, 'migration'), false);
    const ack = Object.keys(await poll(stream, { returnImmediately: true }));
    await poll(stream, { ack, returnImmediately: true });
    await api.maintain();
    assert.equal(await status(), stopped);
    assert.equal(await api.resumeStream(id, 'done'), true);
    assert.equal(await api.resumeStream(id, 'done'), false);
    assert.equal(await status(), 'enabled');
  }
  assert.equal(await api.stopStream('unknown', 'migration'), false);
  await assert.rejects(api.stopStream(id, 'migration', 'halt'), /pause, disable/);
});

test('subjects are limited, and go on for a while', async () => {
  const headers = { ...AS_ACME, ...JSON_TYPE };
  const remove = ({ stream_id }, email) => {
    const body = { stream_id, subject: { format: 'email', email } };
    return server.request('POST', '/ssf/subjects:remove', { body, headers });
  };
  for (const [removalGrace, streams] of [
    [0, 0],
    [60_000, 1],
  ]) {
    const api = apiOver(Outbox.inMemory(), { maxSubjects: 1, removalGrace });
    server.listener = await MOUNTS.express(api, authenticator());
    const stream = await create();
    assert.equal((await remove(stream, ADA.email)).status, 204);
    assert.equal((await api.publish(caep.sessionRevoked(), ADA)).streams, streams);
    if (removalGrace === 0) {
      const more = await remove(stream, 'bob@example.com');
      assert.deepEqual([more.status, more.body.err], [403, 'limit_reached']);
    }
  }
});

test('a caller names a dialect of the API', async () => {
  const dialect = Dialect.fromToml('id = "acme"\nextends = "ssf-1.0"\n[set]\ntxn = "omit"\n');
  const api = apiOver(Outbox.inMemory(), { dialects: [dialect] });
  for (const [name, has] of [
    [undefined, true],
    ['acme', false],
  ]) {
    server.listener = await MOUNTS.express(api, () => ({ receiver: 'acme', scopes: 'ssf.manage', dialect: name }));
    const stream = await create();
    await api.publish(caep.sessionRevoked(), ADA);
    const [set] = Object.values(await poll(stream));
    assert.equal('txn' in decodeJwt(set), has);
  }
});

test('an event goes to receivers that are named, too', async () => {
  const outbox = Outbox.inMemory();
  const api = apiOver(outbox);
  const options = { to: 'okta', idempotencyKey: '1' };
  const first = await api.publish(caep.sessionRevoked(), ADA, options);
  const again = await api.publish(caep.sessionRevoked(), ADA, options);
  assert.deepEqual(first, { jtis: again.jtis, streams: 0, repeated: false });
  assert.equal(again.repeated, true);
  assert.equal((await outbox.counts()).waiting, 1);
});

test('wrong settings are errors', async () => {
  const outbox = Outbox.inMemory();
  const wrong = (options, pattern) =>
    assert.throws(
      () => apiOver(outbox, options),
      (error) => error instanceof SsfError && pattern.test(error.message),
    );
  wrong({ issuer: 'http://tr.example.com' }, /https/);
  wrong({ lease: 0 }, /more than zero/);
  wrong({ defaultSubjects: 'SOME' }, /ALL, NONE/);
  wrong({ push: true, allowNetworks: ['home'] }, /network/);
  wrong({ maxSubjects: 0 }, /one or more/);
  wrong({ inactivityStop: 'halt' }, /pause, disable/);
  wrong({ dialects: ['acme'] }, /Dialects/);
  wrong({ longpoll: 1 }, /did you mean longPoll/);
  wrong({ authenticator: { issuers: [{ issuer: 'https://sso.example.com', profile: 'oktaa' }] } }, /okta/);
  const api = apiOver(outbox);
  assert.throws(() => api.nodeHandler('Bearer of-acme'), /authenticate: expected a function/);
  const handle = api.fetchHandler(() => 'acme');
  await assert.rejects(handle(new Request('https://tr.example.com/ssf/streams')), SsfError);
});

everywhere('streams stay in a file', async (t, mount) => {
  const file = join(folder(t), 'outbox.db');
  let outbox = new Outbox(file);
  await mount(apiOver(outbox));
  const stream = await create();
  const { jtis } = await apiOver(outbox).publish(caep.sessionRevoked(), ADA);
  await outbox.close();
  outbox = new Outbox(file);
  await mount(apiOver(outbox));
  assert.deepEqual(Object.keys(await poll(stream)), jtis);
  await outbox.close();
});

everywhere('servers share streams in a database', async (_, mount) => {
  const [url, schema] = [postgresUrl(), `node_streams_${process.pid}_${schemas++}`];
  const [theirs, ours] = [new Outbox(url, { schema, migrate: true }), new Outbox(url, { schema })];
  await theirs.counts();
  await mount(apiOver(ours));
  const stream = await create();
  const { jtis } = await apiOver(theirs).publish(caep.sessionRevoked(), ADA);
  assert.deepEqual(Object.keys(await poll(stream)), jtis);
  await Promise.all([theirs.close(), ours.close()]);
});
