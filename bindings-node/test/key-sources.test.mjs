// Where keys are kept, by the vectors that all languages share, and sets that follow their source.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { caep, KeySet, Receiver, SigningKey, Transmitter } from 'ssf-transmitter';

const FOLDER = new URL('../../tests/vectors/', import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'));
const { cases: CASES, contents } = read('key-sources.json');
const content = (name) =>
  typeof contents[name] === 'string' ? contents[name] : Buffer.from(contents[name].base64, 'base64');

/** Runs something in an empty directory. */
async function inDirectory(work) {
  const directory = mkdtempSync(join(tmpdir(), 'ssf-keys-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const posix = { skip: process.platform === 'win32' && 'the commands are those of POSIX' };

test('a source gives its keys, or an error that shows none of them', posix, async () => {
  assert.equal(CASES.length, read('manifest.json')['key-sources.json'].cases);
  for (const { name, source, files = {}, env = {}, expect, error, time_limit: limit, ...more } of CASES) {
    const { kid, algorithm, password } = more;
    const options = { kid, algorithm, password, timeLimit: limit === undefined ? undefined : limit * 1000 };
    await inDirectory(async (directory) => {
      for (const [path, wanted] of Object.entries(files)) {
        mkdirSync(dirname(join(directory, path)), { recursive: true });
        writeFileSync(join(directory, path), content(wanted));
      }
      for (const [variable, wanted] of Object.entries(env)) process.env[variable] = content(wanted);
      const text = source.replaceAll('{dir}', directory);
      if (error === undefined) {
        const key = await SigningKey.fromSource(text, options);
        const published = (await KeySet.watch(text, options)).jwks().keys.map((one) => one.kid);
        assert.deepEqual({ kid: key.kid, algorithm: key.algorithm, published }, expect, name);
        return;
      }
      for (const attempt of [SigningKey.fromSource, KeySet.watch]) {
        await assert.rejects(attempt(text, options), (thrown) => {
          assert.equal(thrown.code, `SSF_${error.code.toUpperCase()}`, name);
          for (const part of error.says) assert.ok(thrown.message.includes(part), `${name}: ${thrown.message}`);
          for (const part of error.hides ?? []) assert.ok(!thrown.stack.includes(part), `${name}: ${thrown.stack}`);
          return true;
        });
      }
      for (const variable of Object.keys(env)) delete process.env[variable];
    });
  }
});

test('a key is read from a variable, a file and as it is', () =>
  inDirectory(async (directory) => {
    const key = await SigningKey.generate('P-256');
    const pem = await key.exportPrivatePem();
    process.env.SSF_TEST_KEY = pem;
    writeFileSync(join(directory, 'key.pem'), pem);
    assert.equal((await SigningKey.fromEnv('SSF_TEST_KEY')).kid, key.kid);
    assert.equal((await SigningKey.fromFile(join(directory, 'key.pem'), { kid: 'a' })).kid, 'a');
    assert.equal((await SigningKey.fromAny(pem, { kid: 'b' })).kid, 'b');
    await assert.rejects(SigningKey.fromFile('key.pem', { kidd: 'a' }), { code: 'SSF_CONFIGURATION_INVALID' });
  }));

test('a set follows its source', () =>
  inDirectory(async (directory) => {
    const [old, next] = [await SigningKey.generate('P-256'), await SigningKey.generate('P-256')];
    const write = async (name, key) => writeFileSync(join(directory, name), await key.exportPrivatePem());
    await write('1.pem', old);
    const keys = await KeySet.watch(`dir:${directory}`, { every: 0 });
    assert.equal(keys.source, `dir:${directory}`);
    await write('2.pem', next);
    assert.equal(keys.active.kid, old.kid);
    assert.deepEqual(
      keys.standby.map((key) => key.kid),
      [next.kid],
    );
    await write('1.pem', next);
    rmSync(join(directory, '2.pem'));
    assert.equal(keys.active.kid, next.kid);
    assert.deepEqual(
      keys.retired.map((key) => key.kid),
      [old.kid],
    );
    writeFileSync(join(directory, '1.pem'), 's3cr3t');
    assert.equal(keys.active.kid, next.kid);
    assert.equal(keys.lastError.code, 'SSF_KEY_FORMAT_UNKNOWN');
    assert.ok(!keys.lastError.stack.includes('s3cr3t'));
    await assert.rejects(keys.refresh(), { code: 'SSF_KEY_FORMAT_UNKNOWN' });
    assert.throws(() => keys.stage(old), { code: 'SSF_KEY_SET_WATCHED' });

    assert.equal(await new KeySet(old).refresh(), false);
    assert.equal(new KeySet(old).lastError, undefined);
  }));

const linux = { skip: process.platform !== 'linux' && 'all of 127.0.0.0/8 is this machine on Linux alone' };

test('requests leave from the source address', linux, async () => {
  const peers = [];
  const server = createServer((request, response) => {
    peers.push(request.socket.remoteAddress);
    request.resume().on('end', () => response.writeHead(202).end());
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const transmitter = new Transmitter({
    issuer: 'https://edr.example.com',
    key: await SigningKey.generate('P-256'),
    sourceAddress: '127.0.0.2',
  });
  const to = new Receiver({
    endpoint: `http://127.0.0.1:${server.address().port}/events`,
    audience: 'https://receiver.example.net',
    allowLoopback: true,
  });
  await transmitter.emit(caep.sessionRevoked({}), { format: 'opaque', id: 'session-1' }, { to });
  assert.deepEqual(peers, ['127.0.0.2']);
  await transmitter.close();
  server.close();
});
