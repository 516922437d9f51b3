// The examples, each as its own process against the emulator; and the snippets of the README.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { caep, SigningKey } from 'ssf-transmitter';
import { startReceiver } from 'ssf-transmitter/testing';
import { ADA, ISSUER, postgresUrl } from './setup.mjs';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../examples/node/', import.meta.url));

let project;
let key;
let keyFile;

// A project with the package, Express, Hono and pg in it, as a user has one, and the examples.
before(async () => {
  project = await mkdtemp(join(tmpdir(), 'ssf-examples-'));
  const modules = join(project, 'node_modules');
  const { cp, mkdir } = await import('node:fs/promises');
  await mkdir(modules);
  await symlink(PACKAGE, join(modules, 'ssf-transmitter'), 'junction');
  await mkdir(join(modules, '@hono'));
  for (const name of ['express', 'hono', '@hono/node-server', 'pg'])
    await symlink(join(PACKAGE, 'node_modules', name), join(modules, name), 'junction');
  await cp(EXAMPLES, project, { recursive: true });
  key = await SigningKey.generate('RSA-2048');
  keyFile = join(project, 'signing-key.pem');
  await writeFile(keyFile, await key.exportPrivatePem(), { mode: 0o600 });
  const acme = '[receivers.acme]\nokta = "https://acme.okta.com"\n';
  await writeFile(join(project, 'ssf.toml'), `issuer = "${ISSUER}"\nkey = "file:signing-key.pem"\n${acme}`);
});
after(() => rm(project, { recursive: true }));

function start(file, env, ...args) {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: project,
    env: { ...process.env, ISSUER, KEY_FILE: keyFile, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8');
  return child;
}

async function finished(child, input = '') {
  child.stdin.end(input);
  let text = '';
  child.stdout.on('data', (more) => {
    text += more;
  });
  const [code] = await once(child, 'close');
  return { code, lines: text.trim().split('\n') };
}

async function emulatorOf(t, options) {
  const emulator = await startReceiver({ issuer: ISSUER, keys: key, ...options });
  t.after(() => emulator.stop());
  return emulator;
}

test('okta.mjs', async (t) => {
  const audience = 'https://acme.okta.com';
  const emulator = await emulatorOf(t, { like: 'okta', audience, users: [ADA.email] });
  const env = { OKTA_ORG: emulator.baseUrl, OKTA_AUDIENCE: audience };
  const { code, lines } = await finished(start('okta.mjs', env, ADA.email));
  assert.equal(code, 0);
  assert.match(lines[0], /was taken with status 202/);
  emulator.assertReceived('okta.user-risk-change', ADA);
});

test('govuk.mjs', async (t) => {
  const client = { id: 'our-client', secret: 'hush' };
  const audience = 'https://ssf.account.gov.uk/';
  const emulator = await emulatorOf(t, { like: 'govuk-one-login', audience, client });
  const env = {
    INBOUND_URL: emulator.url,
    AUDIENCE: audience,
    TOKEN_URL: emulator.tokenUrl,
    CLIENT_ID: client.id,
    CLIENT_SECRET: client.secret,
  };
  const user = 'urn:fdc:gov.uk:2022:56P4CMsGh_02YOlWpd8PAOI-2sVlB2nsNU7mcLZYhYw=';
  assert.equal((await finished(start('govuk.mjs', env, user))).code, 0);
  emulator.assertReceived('risc.account-purged', { format: 'uri', uri: user });
});

test('express.mjs', async () => {
  const child = start('express.mjs', { PORT: '0' });
  const [line] = await once(child.stdout, 'data');
  const base = `http://127.0.0.1:${/port (\d+)/.exec(line)[1]}`;
  const configuration = await fetch(`${base}/.well-known/ssf-configuration`);
  assert.match(configuration.headers.get('content-type'), /^application\/json/);
  assert.equal((await configuration.json()).jwks_uri, `${ISSUER}/jwks.json`);
  const { keys } = await (await fetch(`${base}/jwks.json`)).json();
  assert.deepEqual(keys, [key.publicJwk]);
  child.kill();
  await once(child, 'close');
});

for (const name of ['streams-express.mjs', 'streams-hono.mjs']) {
  test(name, async () => {
    const child = start(name, { PORT: '0', ISSUER: 'https://tr.example.com' });
    const [line] = await once(child.stdout, 'data');
    const base = `http://127.0.0.1:${/port (\d+)/.exec(line)[1]}`;
    const post = async (path, body) => {
      const headers = { authorization: 'Bearer of-acme', 'content-type': 'application/json' };
      const response = await fetch(new URL(path, base), { method: 'POST', headers, body: JSON.stringify(body) });
      assert.ok(response.ok, `${path}: ${response.status}`);
      return response.json();
    };
    const { configuration_endpoint } = await (await fetch(`${base}/.well-known/ssf-configuration`)).json();
    const uri = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
    const stream = await post(new URL(configuration_endpoint).pathname, { events_requested: [uri] });
    const poll = new URL(stream.delivery.endpoint_url).pathname;
    const [{ sets }, streams] = await Promise.all([post(poll, {}), post(`/sessions/${ADA.email}/revoke`, {})]);
    assert.deepEqual([streams, Object.keys(sets).length], [1, 1]);
    assert.deepEqual(await post(poll, { ack: Object.keys(sets), maxEvents: 0 }), { sets: {} });
    child.kill();
    await once(child, 'close');
  });
}

test('kms.mjs', async (t) => {
  // The receiver learns the key from what the example prints.
  let publish;
  const published = new Promise((resolve) => {
    publish = resolve;
  });
  const { createServer } = await import('node:http');
  const server = createServer(async (_, response) => {
    response.setHeader('content-type', 'application/json').end(await published);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const keys = `http://127.0.0.1:${server.address().port}/jwks.json`;
  const emulator = await emulatorOf(t, { keys });
  const child = start('kms.mjs', { ENDPOINT: emulator.url, AUDIENCE: emulator.audience });
  child.stdout.once('data', (text) => publish(text.split('\n')[0]));
  const { code, lines } = await finished(child);
  assert.equal(code, 0, `${lines.join('\n')} ${JSON.stringify(emulator.requests)}`);
  assert.match(lines[1], /was taken/);
  emulator.assertReceived('caep.session-revoked', { format: 'opaque', id: 'session-1' });
});

test('worker.mjs', async (t) => {
  const emulator = await emulatorOf(t, {});
  const event = caep.sessionRevoked({ reasonAdmin: { en: 'Laptop lost' } });
  const message = (id, user) => JSON.stringify({ id, customer: 'acme', event, user });
  const input = [message('1', ADA.email), message('2', 'nobody'), message('3', 'bob@example.com')].join('\n');
  const env = { ENDPOINT: emulator.url, AUDIENCE: emulator.audience };
  const { code, lines } = await finished(start('worker.mjs', env), `${input}\n`);
  assert.equal(code, 0);
  assert.deepEqual(lines.sort(), ['dead 2 SSF_SUBJECT_MEMBER_VALUE', 'done 1', 'done 3']);
  assert.deepEqual(Object.keys(emulator.accepted).sort(), ['1', '3']);
});

test('outbox.mjs', async (t) => {
  const down = { rules: [{ first: 2, fault: { status: { status: 503 } } }] };
  const emulator = await emulatorOf(t, { script: down });
  const env = { ENDPOINT: emulator.url, AUDIENCE: emulator.audience };
  const file = join(project, 'events.db');
  const accepted = await finished(start('outbox.mjs', env, file, ADA.email));
  assert.equal(accepted.code, 0);
  const [, jti] = /^accepted (\S+)$/.exec(accepted.lines[0]);
  assert.deepEqual(await finished(start('outbox.mjs', env, file)), {
    code: 0,
    lines: [`delivered ${jti} to acme after 3 attempts`],
  });
  assert.equal(emulator.assertReceived('caep.session-revoked', ADA).jti, jti);
});

test('outbox-postgres.mjs', async (t) => {
  const emulator = await emulatorOf(t, {});
  const env = { DATABASE_URL: postgresUrl(), ENDPOINT: emulator.url, AUDIENCE: emulator.audience };
  assert.deepEqual(await finished(start('outbox-postgres.mjs', env, `incident-${key.kid}`)), {
    code: 0,
    lines: ['1 delivered, 0 waiting'],
  });
});

const sqlite = await import('node:sqlite').catch(() => undefined);
const skip = sqlite === undefined && `Node ${process.versions.node} has no node:sqlite`;

test('outbox-transaction.mjs', { skip }, async () => {
  assert.deepEqual(await finished(start('outbox-transaction.mjs', {}, project)), {
    code: 0,
    lines: ['1 moved, 1 waiting, 0 left'],
  });
});

test('postgres-transaction.mjs', async () => {
  const env = { DATABASE_URL: process.env.SSF_TEST_POSTGRES };
  assert.deepEqual(await finished(start('postgres-transaction.mjs', env)), { code: 0, lines: ['1 for the workers'] });
});

test('the application of the guide', async () => {
  const guide = await readFile(new URL('../../docs/transmitter.md', import.meta.url), 'utf8');
  const [[, code]] = [...guide.matchAll(/^```js\n([\s\S]*?)^```$/gm)];
  const rest = "app.listen(0, '127.0.0.1', function () { console.log(this.address().port); });";
  await writeFile(join(project, 'guide.mjs'), `${code}\n${rest}\n`);
  const child = start('guide.mjs', {});
  const [port] = await once(child.stdout, 'data');
  const headers = { authorization: 'Bearer of-acme' };
  const base = `http://127.0.0.1:${port.trim()}`;
  assert.equal((await fetch(`${base}/ssf/streams`, { headers })).status, 200);
  assert.equal(await (await fetch(`${base}/sessions/${ADA.email}/revoke`, { method: 'POST' })).json(), 0);
  child.kill();
  await once(child, 'close');
});

test('the snippets of the README, one after the other', async (t) => {
  const readme = await readFile(join(PACKAGE, 'README.md'), 'utf8');
  const snippets = [...readme.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
  assert.ok(snippets.length >= 6, `${snippets.length} snippets`);
  const audience = 'https://acme.okta.com';
  const emulator = await emulatorOf(t, { like: 'okta', audience, users: [ADA.email] });
  // What they import is collected at the top; the org is played by the emulator.
  const imports = new Set();
  const bodies = snippets.map((code) =>
    code
      .replace(/^import [\s\S]*?;$/gm, (line) => {
        imports.add(line);
        return '';
      })
      .replace("Receiver.okta('https://acme.okta.com')", 'acmeOfTheTest'),
  );
  const file = join(project, 'readme.mjs');
  const names = new Map();
  for (const line of imports) {
    const [, list, from] = /import (.*) from '(.*)';/s.exec(line);
    if (!list.startsWith('{')) names.set(list, from);
    else for (const name of list.slice(1, -1).split(',')) names.set(`{ ${name.trim()} }`, from);
  }
  const header = [...names].map(([name, from]) => `import ${name} from '${from}';`);
  const settings = JSON.stringify({ audience, allowLoopback: true });
  const acme = `const acmeOfTheTest = Receiver.okta('${emulator.baseUrl}', ${settings});`;
  await writeFile(
    file,
    [...header, acme, ...bodies.map((body) => `{\n${body}}`), "console.log('ran');", ''].join('\n'),
  );
  const { code, lines } = await finished(start(file, {}));
  assert.deepEqual([code, lines.at(-1)], [0, 'ran']);
  assert.ok(emulator.received.length >= 1);
});
