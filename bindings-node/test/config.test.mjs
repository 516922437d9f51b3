// The file of settings, by the vectors that all languages share. Its commands are those of POSIX.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Config, caep, SigningKey, Transmitter } from 'ssf-transmitter';
import { Outbox, Seal, Worker } from 'ssf-transmitter/outbox';
import { startReceiver } from 'ssf-transmitter/testing';
import { ADA, folder, ISSUER, run } from './setup.mjs';

const read = (name) => JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}`, import.meta.url), 'utf8'));
const { contents, ...CASES } = read('config.json');
const COUNTS = read('manifest.json')['config.json'];
const posix = { skip: process.platform === 'win32' && 'the commands are those of POSIX' };

/** Writes the file of a case, and those beside it. */
function write(t, { toml, files = {} }) {
  const directory = folder(t);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), contents[content] ?? content);
  }
  const path = join(directory, 'ssf.toml');
  writeFileSync(path, toml);
  return path;
}

test('a file is read with all that it names', posix, async (t) => {
  assert.equal(CASES.valid.length, COUNTS.valid);
  for (const one of CASES.valid) {
    const { issuer, receivers, kid } = one.expect;
    const config = await Config.read(write(t, one));
    assert.equal(config.issuer ?? null, issuer, one.name);
    const found = {};
    for (const [name, { host, audience, dialect }] of await config.receivers()) {
      found[name] = { host, audience, dialect: dialect.id };
    }
    assert.deepEqual(found, receivers, one.name);
    if (issuer === null) continue;
    const transmitter = await Transmitter.fromConfig(config);
    assert.equal(transmitter.issuer, issuer);
    const [first, ...more] = transmitter.jwks().keys;
    assert.deepEqual([first.kid, more], [kid ?? first.kid, []], one.name);
  }
});

test('the first mistake is told with its place and without its value', posix, async (t) => {
  assert.equal(CASES.invalid.length, COUNTS.invalid);
  for (const one of CASES.invalid) {
    const path = write(t, one);
    const [first] = one.errors;
    const attempt = async () => {
      const config = await Config.read(path);
      await config.receivers();
      await Transmitter.fromConfig(config);
    };
    await assert.rejects(attempt, (error) => {
      assert.equal(error.code, `SSF_${first.code.toUpperCase()}`, one.name);
      assert.equal(error.pointer ?? null, first.pointer, one.name);
      assert.ok(error.message.startsWith(path), `${one.name}: ${error.message}`);
      for (const words of first.says) assert.ok(error.message.includes(words), `${one.name}: ${error.message}`);
      for (const secret of one.hides ?? []) assert.ok(!inspect(error).includes(secret), one.name);
      return true;
    });
  }
});

test('the nearest file is read', async (t) => {
  const root = folder(t);
  const below = join(root, 'src', 'deep');
  mkdirSync(below, { recursive: true });
  const nearest = (directory) =>
    run(`
      import { Config } from 'ssf-transmitter';
      process.chdir(${JSON.stringify(directory)});
      console.log(await Config.read().then((config) => config, ({ code, message }) => \`\${code} \${message}\`));
    `);
  const missing = await nearest(below);
  assert.match(missing.stdout, /^SSF_CONFIGURATION_INVALID there is no ssf\.toml in .*deep or in a folder around it/);
  writeFileSync(join(root, 'ssf.toml'), `issuer = "${ISSUER}"\n[receivers.acme]\nokta = "https://acme.okta.com"\n`);
  const found = await nearest(below);
  assert.equal(found.stdout, `Config { issuer: '${ISSUER}', receivers: 'acme' }\n`, found.stderr);
});

test('what a file describes sends, also from an outbox', async (t) => {
  const key = (await SigningKey.fromPem(contents.p256)).withKid('2026-11');
  const emulator = await startReceiver({ issuer: ISSUER, keys: key });
  t.after(() => emulator.stop());
  const toml = `
    issuer = "${ISSUER}"
    key = "file:key.pem"
    kid = "2026-11"

    [receivers.local]
    endpoint = "${emulator.url}"
    audience = "https://receiver.example.net"
    allow_loopback = true
  `;
  const config = await Config.read(write(t, { toml, files: { 'key.pem': 'p256' } }));
  assert.deepEqual(config.receiverNames, ['local']);
  const transmitter = await Transmitter.fromConfig(config);
  t.after(() => transmitter.close());
  const receipt = await transmitter.emit(caep.sessionRevoked(), ADA, { to: await config.receiver('local') });
  const outbox = Outbox.inMemory();
  const { jtis } = await outbox.enqueue(caep.sessionRevoked(), ADA, { to: 'local' });
  await new Worker(outbox, transmitter, { receivers: await config.receivers() }).drain();
  assert.deepEqual({ ...emulator.accepted }, { [receipt.jti]: 1, [jtis[0]]: 1 });
});

test('the outbox of a file is the one at its path', async (t) => {
  const acme = '[receivers.acme]\nokta = "https://acme.okta.com"\n';
  const path = write(t, { toml: `issuer = "${ISSUER}"\n${acme}[outbox]\nfile = "outbox.db"\n` });
  const config = await Config.read(path);
  const seal = new Seal({ indexKey: new Uint8Array(32), keys: [['2026-12', new Uint8Array(32).fill(7)]] });
  // What is for a database has no effect on a file.
  const outbox = await Outbox.fromConfig(config, { seal, migrate: true });
  const file = join(dirname(path), 'outbox.db');
  assert.equal(inspect(outbox), `Outbox { '${file}' }`);
  assert.equal(existsSync(file), false);
  const { jtis } = await outbox.enqueue(caep.sessionRevoked(), ADA, { to: 'acme' });
  const other = new Outbox(file, { seal });
  assert.deepEqual(
    (await other.list({ subject: ADA })).map(({ jti }) => jti),
    [...jtis],
  );
  const linting = await Outbox.fromConfig(config, { seal, receivers: await config.receivers() });
  await assert.rejects(linting.enqueue(caep.sessionRevoked(), ADA, { to: 'acme' }), {
    name: 'ValidationError',
    code: 'SSF_EVENT_MEMBER_MISSING',
  });
  for (const one of [outbox, other, linting]) await one.close();
});

test('an outbox needs a place, and an issuer to lint for', async () => {
  const nowhere = Config.fromToml(`issuer = "${ISSUER}"`);
  await assert.rejects(Outbox.fromConfig(nowhere), {
    name: 'ConfigError',
    code: 'SSF_CONFIGURATION_INVALID',
    message: '[outbox] is missing (at /outbox)',
    pointer: '/outbox',
  });
  const anonymous = Config.fromToml('[outbox]\nfile = "outbox.db"');
  await assert.rejects(Outbox.fromConfig(anonymous, { receivers: {} }), { message: 'issuer is missing (at /issuer)' });
  await assert.rejects(Outbox.fromConfig(anonymous, { schema: 'events' }), { message: /^there is no option schema/ });
  await assert.rejects(Outbox.fromConfig('ssf.toml'), { message: /^config: expected a Config, got a string/ });
});

test('the URL of a database is read where it is', async (t) => {
  const config = Config.fromToml('[outbox]\ndatabase = "env:SSF_TEST_DATABASE"\nschema = "events"');
  t.after(() => delete process.env.SSF_TEST_DATABASE);
  const refused = (why) => (error) => {
    assert.equal(error.pointer, '/outbox/database');
    assert.match(error.message, why);
    assert.ok(!inspect(error).includes('s3cret'));
    return true;
  };
  await assert.rejects(Outbox.fromConfig(config), refused(/SSF_TEST_DATABASE/));
  process.env.SSF_TEST_DATABASE = 'mysql://ssf:s3cret@db.example.com/ssf';
  await assert.rejects(Outbox.fromConfig(config), refused(/postgresql:\/\//));
  process.env.SSF_TEST_DATABASE = 'postgresql://ssf:s3cret@db.example.com/ssf';
  const outbox = await Outbox.fromConfig(config);
  assert.equal(inspect(outbox), "Outbox { 'postgresql, schema events' }");
  assert.match(outbox.statement(caep.sessionRevoked(), ADA, { to: 'acme' }).sql, /"events"/);
});

test('the example of the documentation runs', async (t) => {
  const page = readFileSync(new URL('../../docs/configuration-file.md', import.meta.url), 'utf8');
  const [[, example]] = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)];
  const toml = `issuer = "${ISSUER}"\nkey = "file:key.pem"\n[receivers.acme]\nokta = "https://acme.okta.com"\n[outbox]\nfile = "outbox.db"\n`;
  const path = write(t, { toml, files: { 'key.pem': 'p256' } });
  const script = `process.chdir(${JSON.stringify(dirname(path))});\n${example}\nconsole.log(transmitter.issuer, acme.host, (await outbox.counts()).waiting);`;
  assert.deepEqual(await run(script), { code: 0, signal: null, stdout: `${ISSUER} acme.okta.com 0\n`, stderr: '' });
});

test('wrong names and types are refused', async () => {
  const config = Config.fromToml('[receivers.acme]\nokta = "https://acme.okta.com"');
  await assert.rejects(config.receiver('Acme'), {
    name: 'ConfigError',
    message: 'there is no receiver Acme; did you mean acme?',
  });
  await assert.rejects(Transmitter.fromConfig('ssf.toml'), { message: /^config: expected a Config, got a string/ });
  await assert.rejects(Config.read(1), { message: /^path: expected a string, got a number/ });
  assert.throws(() => Config.fromToml('isuer = 1'), { pointer: '/isuer' });
});
