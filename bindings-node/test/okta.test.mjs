// Okta's API, against the emulator that plays it.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import {
  ApiError,
  caep,
  legacyWellKnownUrl,
  lint,
  lintJwks,
  OktaProviders,
  readTransmitterConfiguration,
  SigningKey,
  Transmitter,
  transmitterConfiguration,
  wellKnownUrl,
} from 'ssf-transmitter';
import { startReceiver } from 'ssf-transmitter/testing';
import { ADA } from './setup.mjs';

const TOKEN = 'SSWS-token-of-a-test';

/** The documents of a transmitter on this machine. */
async function published(t, key) {
  const server = createServer((request, response) => {
    const { issuer } = server;
    const documents = {
      '/jwks.json': { keys: [key.publicJwk] },
      '/.well-known/ssf-configuration': transmitterConfiguration({
        issuer,
        jwksUri: `${issuer}/jwks.json`,
        allowLoopback: true,
      }).document,
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(documents[request.url]));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  server.issuer = `http://127.0.0.1:${server.address().port}`;
  return server;
}

test('a provider is registered, its SETs are taken, and it is deleted', async (t) => {
  const key = await SigningKey.generate('RSA-2048');
  const { issuer } = await published(t, key);
  const audience = 'https://acme.okta.com';
  const emulator = await startReceiver({ like: 'okta', audience, apiToken: TOKEN });
  t.after(() => emulator.stop());
  const providers = new OktaProviders({ org: emulator.baseUrl, apiToken: TOKEN, allowLoopback: true });
  const wanted = { name: 'Example EDR', type: 'example-edr', wellKnownUrl: `${issuer}/.well-known/ssf-configuration` };

  const provider = await providers.ensure(wanted);
  assert.deepEqual([provider.name, provider.type, provider.status], ['Example EDR', 'example-edr', 'ACTIVE']);
  assert.equal((await providers.ensure(wanted)).id, provider.id);
  assert.deepEqual(await providers.list(), [provider]);
  assert.deepEqual(await providers.read(provider.id), provider);

  const transmitter = new Transmitter({ issuer, key });
  const event = caep.sessionRevoked({ eventTimestamp: new Date(), reasonAdmin: { en: 'A test' } });
  const to = emulator.receiver();
  assert.equal((await transmitter.emit(event, ADA, { to })).status, 202);
  const { checks } = await transmitter.doctor(event, ADA, { to, send: true });
  assert.ok(
    checks.some(({ id, outcome }) => id === 'jwks-reachable' && outcome !== 'skipped'),
    JSON.stringify(checks),
  );

  assert.equal((await providers.deactivate(provider.id)).status, 'INACTIVE');
  await assert.rejects(transmitter.emit(event, ADA, { to }), { receiverError: 'invalid_issuer' });
  assert.equal((await providers.activate(provider.id)).status, 'ACTIVE');
  const renamed = await providers.replace(provider.id, { ...wanted, name: 'EDR, production' });
  assert.equal(renamed.name, 'EDR, production');
  const updated = await providers.update(provider.id, { name: 'EDR' });
  assert.deepEqual(updated, { ...renamed, name: 'EDR' });
  assert.deepEqual(await providers.read(provider.id), updated);
  await providers.delete(provider.id);
  await assert.rejects(providers.read(provider.id), (error) => {
    assert.ok(error instanceof ApiError);
    const { code, status, receiverError } = error;
    assert.deepEqual([code, status, receiverError], ['SSF_PROVIDER_NOT_FOUND', 404, 'E0000007']);
    assert.match(error.stack, /okta\.test\.mjs/);
    return true;
  });
});

test('what Okta would refuse is refused before it is asked', async () => {
  const providers = new OktaProviders({ org: 'https://acme.okta.com', apiToken: TOKEN });
  const invalid = { name: 'ValidationError', code: 'SSF_PROVIDER_INVALID' };
  await assert.rejects(providers.create(), invalid);
  await assert.rejects(providers.create({ name: 'x', type: 'y' }), invalid);
  await assert.rejects(providers.create({ name: '', type: 'y', wellKnownUrl: 'https://x.example' }), invalid);
  await assert.rejects(providers.create({ name: 'x', type: 'y', wellKnownUr: 'https://x.example' }), /wellKnownUrl\?/);
  await assert.rejects(providers.read(7), /expected a string/);
  await assert.rejects(providers.update('sse1', { issuer: 'https://x.example' }), invalid);
  await assert.rejects(providers.update('sse1'), invalid);
  await assert.rejects(providers.update('sse1', { nam: 'x' }), /did you mean name\?/);
  assert.throws(() => new OktaProviders({ org: 'https://acme.okta.com' }), { code: 'SSF_CONFIGURATION_INVALID' });
  const signal = AbortSignal.abort();
  await assert.rejects(providers.list({ signal }), { name: 'AbortError' });
});

test('the documents of a transmitter', () => {
  const { url, path, document } = transmitterConfiguration({
    issuer: 'https://tr.example.com/issuer1',
    jwksUri: 'https://tr.example.com/jwks.json',
    authorizationSchemes: ['urn:ietf:rfc:6749'],
    defaultSubjects: 'NONE',
    members: { x_contact: 'security@example.com' },
  });
  assert.equal(url, 'https://tr.example.com/.well-known/ssf-configuration/issuer1');
  assert.equal(path, '/.well-known/ssf-configuration/issuer1');
  assert.equal(wellKnownUrl('https://tr.example.com/issuer1'), url);
  assert.equal(legacyWellKnownUrl('https://tr.example.com'), 'https://tr.example.com/.well-known/risc-configuration');
  assert.deepEqual(document, {
    spec_version: '1_0',
    issuer: 'https://tr.example.com/issuer1',
    jwks_uri: 'https://tr.example.com/jwks.json',
    delivery_methods_supported: ['urn:ietf:rfc:8935'],
    authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }],
    default_subjects: 'NONE',
    x_contact: 'security@example.com',
  });
  assert.deepEqual(readTransmitterConfiguration(document).document, document);
  assert.deepEqual(readTransmitterConfiguration(JSON.stringify(document)).url, url);
  assert.throws(() => transmitterConfiguration({ issuer: 'http://tr.example.com' }), { code: 'SSF_ISSUER_INVALID' });
  assert.throws(() => readTransmitterConfiguration({ issuer: 'https://x.example', jwks_uri: 'nowhere' }), {
    pointer: '/jwks_uri',
  });
});

test('a token that something else made is looked at', async () => {
  const made = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${Buffer.from('{}').toString('base64url')}.`;
  const rules = lint(made, { dialect: 'okta' }).map(({ rule }) => rule);
  assert.ok(rules.includes('typ-missing') && rules.includes('aud-missing'), `${rules}`);
  for (const text of ['', '.', '..', 'x'.repeat(100_000), '\u0000', '"quoted"']) assert.ok(lint(text).length > 0);
  assert.deepEqual(
    lintJwks({ keys: [] }).map(({ rule }) => rule),
    ['jwks-empty'],
  );
  assert.throws(() => lint(made, { dialekt: 'okta' }), /dialect\?/);
  assert.throws(() => lint(made, { dialect: 'otka' }), { code: 'SSF_DIALECT_UNKNOWN' });
  assert.ok(lint({ event: caep.sessionRevoked() }, { dialect: 'okta' }).length > 0);
  const found = lint({ event: caep.sessionRevoked(), subject: { format: 'email' } });
  assert.deepEqual(
    found.map(({ rule }) => rule).filter((rule) => rule.startsWith('subject')),
    ['subject-member-missing'],
  );
});
