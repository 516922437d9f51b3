// Both guides from their first sentence to their last, with the library alone.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  explain,
  lint,
  OktaProviders,
  okta,
  Receiver,
  risc,
  SigningKey,
  Transmitter,
  transmitterConfiguration,
} from 'ssf-transmitter';
import { startReceiver } from 'ssf-transmitter/testing';
import { ADA } from './setup.mjs';

const ORG = 'https://acme.okta.com';

test("Okta's guide, from the key to the accepted SET", async (t) => {
  // Generate a key pair, and copy its JSON to a file.
  const folder = mkdtempSync(join(tmpdir(), 'ssf-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'key.json');
  const made = (await SigningKey.generate('RSA-2048')).withKid('2026-11');
  writeFileSync(file, JSON.stringify(await made.exportPrivateJwk()), { mode: 0o600 });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const key = await SigningKey.fromJwk(readFileSync(file, 'utf8'));
  assert.deepEqual([key.kid, key.algorithm], ['2026-11', 'RS256']);

  // Publish the public key, and the configuration at its well-known URL.
  const documents = {};
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(documents[request.url]));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const published = transmitterConfiguration({ issuer, jwksUri: `${issuer}/jwks.json`, allowLoopback: true });
  const jwks = { keys: [key.publicJwk] };
  Object.assign(documents, { '/jwks.json': jwks, [published.path]: published.document });
  assert.ok(!('d' in jwks.keys[0]));

  // Register the transmitter in the org, by its well-known URL.
  const org = await startReceiver({ like: 'okta', audience: ORG, apiToken: '00t' });
  t.after(() => org.stop());
  const providers = new OktaProviders({ org: org.baseUrl, apiToken: '00t', allowLoopback: true });
  const wanted = { name: 'Example EDR', type: 'example-edr', wellKnownUrl: published.url };
  const provider = await providers.create(wanted);
  assert.deepEqual([provider.status, provider.issuer], ['ACTIVE', issuer]);

  // Build the SET, look at it, send it, and check the response code.
  const to = Receiver.okta(org.baseUrl, { audience: ORG, allowLoopback: true });
  const event = okta.userRiskChange({
    currentLevel: 'high',
    previousLevel: 'low',
    eventTimestamp: new Date(),
    reasonAdmin: { en: 'Impossible travel' },
  });
  const transmitter = new Transmitter({ issuer, key });
  const set = await transmitter.prepare(event, ADA, { to }).sign(key);
  assert.deepEqual(set.decode().header, { alg: 'RS256', kid: '2026-11', typ: 'secevent+jwt' });
  assert.deepEqual(lint(String(set), { dialect: 'okta', issuer, audience: ORG, jwks }), []);
  const receipt = await transmitter.deliver(set, { to });
  assert.equal(receipt.status, 202);
  org.assertReceived('okta.user-risk-change');
  assert.equal(explain(set, { status: 202 }, { dialect: 'okta' }).isDelivered, true);

  // Okta answers 202 to a SET that it then drops: its System Log says whether this one arrived.
  const { outcome, certainty } = await providers.received(receipt);
  assert.deepEqual([outcome, certainty], ['judged', 'likely']);
});

test("GOV.UK's guidance, from the key to the accepted SET", async (t) => {
  // Generate a key pair, and send the team the public key that corresponds.
  const key = await SigningKey.generate('RSA-2048');
  assert.match(key.publicPem, /BEGIN PUBLIC KEY/);

  // Id and secret get a token at /authorize; the same token until it expires.
  const issuer = 'https://rp.example.gov.uk';
  const inbound = await startReceiver({ like: 'govuk-one-login', issuer, keys: key });
  t.after(() => inbound.stop());
  const clientCredentials = { tokenUrl: inbound.tokenUrl, clientId: 'client', clientSecret: 'secret' };
  const audience = 'https://receiver.example.net';
  const to = Receiver.govukOneLogin(inbound.url, { audience, clientCredentials, allowLoopback: true });
  const subject = { format: 'uri', uri: 'urn:fdc:gov.uk:2022:56P4CMsGh_02YOlWpd8PAOI-2sVlB2nsNU7mcLZYhYw' };
  const transmitter = new Transmitter({ issuer, key });
  const event = risc.accountDisabled({ reason: 'hijacking' });
  assert.deepEqual(transmitter.lint(event, subject, { to }), []);
  for (let sent = 0; sent < 2; sent++) {
    assert.equal((await transmitter.emit(event, subject, { to })).status, 202);
  }
  assert.equal(inbound.requests.filter(({ path }) => path.includes('token')).length, 1);
});
