// The shared vectors of Okta's API, over HTTP: a server on this machine notes the request, and gives the answer.
//
// Not run here are answers that never come (`broken`), or do not end (a `body_end` of `unfinished`), and those to a
// repeated attempt (`before`): the machine that judges them is not in this package. Okta's error object is not on its
// surface either.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { OktaProviders, SsfError } from 'ssf-transmitter';

const read = (name) => JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}`, import.meta.url), 'utf8'));
const { exchanges, requests, answers } = read('okta.json');
const counts = read('manifest.json')['okta.json'];

let asked;
let answer;
const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  asked = { method: request.method, target: request.url, body: body === '' ? null : JSON.parse(body) };
  const { status, headers = {}, body: given, body_end: end } = answer;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const json = given !== null && typeof given === 'object';
  if (json && !('content-type' in headers)) response.setHeader('content-type', 'application/json');
  const text = json ? JSON.stringify(given) : (given ?? '');
  if (end === 'broken') {
    response.setHeader('content-length', Buffer.byteLength(text) + 100);
    response.writeHead(status).write(text, () => response.destroy());
  } else {
    response.writeHead(status).end(end === 'too_long' ? text + ' '.repeat(1024 * 1024 + 1) : text);
  }
});
let providers;

before(async () => {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const org = `http://127.0.0.1:${server.address().port}`;
  providers = new OktaProviders({ org, apiToken: '00token', allowLoopback: true, retry: { maxAttempts: 1 } });
});
after(() => server.close());

function wanted({ name, type, settings }) {
  return { name, type, wellKnownUrl: settings.well_known_url, issuer: settings.issuer, jwksUrl: settings.jwks_url };
}

function make(api, { call, id, provider }) {
  const given = provider && wanted(provider);
  if (call === 'create') return api.create(given);
  if (call === 'list') return api.list();
  if (call === 'replace') return api.replace(id, given);
  return api[call](id);
}

function shown({ id, name, type, status, issuer, jwks_url, well_known_url }) {
  return {
    id,
    name,
    type,
    status,
    issuer: issuer ?? null,
    jwksUrl: jwks_url ?? null,
    wellKnownUrl: well_known_url ?? null,
  };
}
const plain = ({ id, name, type, status, issuer = null, jwksUrl = null, wellKnownUrl = null }) => ({
  id,
  name,
  type,
  status,
  issuer,
  jwksUrl,
  wellKnownUrl,
});

const PROVIDER = {
  id: 'sse1',
  name: 'x',
  type: 'y',
  status: 'ACTIVE',
  settings: { well_known_url: 'https://x.example/c' },
};

async function refused(work, { code, pointer, status, receiver_error, receiver_description, retry_after }, name) {
  const error = await work.then(
    () => assert.fail(`${name}: not refused`),
    (caught) => caught,
  );
  assert.ok(error instanceof SsfError, error.stack);
  assert.deepEqual(
    [error.code, error.pointer, error.status, error.receiverError, error.receiverDescription],
    [`SSF_${code.toUpperCase()}`, pointer ?? undefined, status, receiver_error, receiver_description],
    name,
  );
  assert.equal(error.retryAfter !== undefined, retry_after !== undefined, name);
}

test('exchanges as Okta prints them', async () => {
  assert.equal(exchanges.length, counts.exchanges);
  for (const { name, provider, request, response, expect } of exchanges) {
    answer = response;
    assert.deepEqual(plain(await providers.create(wanted(provider))), shown(expect), name);
    assert.deepEqual(asked, request, name);
  }
});

test('requests', async () => {
  assert.equal(requests.length, counts.requests);
  const org = new OktaProviders({ org: 'https://acme.okta.com', apiToken: 'x' });
  for (const one of requests) {
    if (one.error !== undefined) {
      await refused(make(org, one), one.error, one.name);
      continue;
    }
    answer = { status: 200, body: one.call === 'list' ? [] : PROVIDER };
    await make(providers, one);
    assert.deepEqual(asked, one.expect, one.name);
  }
});

test('answers', async () => {
  assert.equal(answers.length, counts.answers);
  const here = answers.filter(
    (one) => one.broken === undefined && one.before === undefined && one.body_end !== 'unfinished' && !one.page?.next,
  );
  let ran = 0;
  for (const one of here) {
    answer = one;
    const given = { ...one, id: 'sse1', provider: PROVIDER };
    if (one.error !== undefined) await refused(make(providers, given), one.error, one.name);
    else if (one.page !== undefined) {
      const ids = (await providers.list()).map(({ id }) => id);
      assert.deepEqual(ids, one.page.ids, one.name);
    } else {
      const result = await make(providers, given);
      if (one.provider !== undefined) assert.deepEqual(plain(result), shown(one.provider), one.name);
    }
    ran++;
  }
  assert.equal(ran, here.length);
  assert.ok(ran >= 38, `${ran}`);
});
