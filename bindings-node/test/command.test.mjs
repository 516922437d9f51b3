// The process of an emulator: how it is found, what it has to be, and when it ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startReceiver } from 'ssf-transmitter/testing';
import { ISSUER, run } from './setup.mjs';

const require = createRequire(import.meta.url);
const { version } = require('../package.json');
const { PLATFORMS } = require('../dist/loader.js');
const CLI = fileURLToPath(new URL('../../cli/npm/', import.meta.url));
const SSF = process.env.SSF_COMMAND;
const START = `
  import { startReceiver } from 'ssf-transmitter/testing';
  const emulator = await startReceiver({ issuer: 'https://edr.example.com', keys: { keys: [] } });
  console.log(emulator.url);
`;
const settings = { issuer: ISSUER, keys: { keys: [] } };

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'ssf-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** A program of a few lines for the shell. */
function program(path, ...lines) {
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(path, 0o755);
  return path;
}

/** Lets this process find the command elsewhere. */
function found(t, at) {
  process.env.SSF_COMMAND = at;
  t.after(() => {
    process.env.SSF_COMMAND = SSF;
  });
}

/** Waits until nobody listens any more; the time limit of the test run ends it otherwise. */
async function ended(url) {
  const { hostname, port } = new URL(url);
  for (;;) {
    const socket = connect(Number(port), hostname);
    const [error] = await Promise.race([once(socket, 'connect'), once(socket, 'error')]).catch((error) => [error]);
    socket.destroy();
    if (error !== undefined) return;
  }
}

/** Runs a script that prints a line, and keeps it running. */
async function started(t, script) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: new URL('.', import.meta.url),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [line] = await once(createInterface(child.stdout), 'line');
  return [child, line];
}

/** A package of the command as it is installed, below `node_modules` of a folder. */
function install(into, { program = true } = {}) {
  const modules = join(into, 'node_modules');
  cpSync(CLI, join(modules, 'ssf-transmitter-cli'), { recursive: true });
  const cli = require('../../cli/npm/index.js');
  const own = join(modules, `@ssf-transmitter/cli-${cli.machine()}`);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'package.json'), '{}');
  if (program) copyFileSync(SSF, join(own, cli.program));
  return modules;
}

test('a command of another version is refused', async (t) => {
  const path = folder(t);
  const wanted = `has to be ssf of version ${version}: npm install --save-dev ssf-transmitter-cli@${version}`;
  for (const [name, lines, says] of [
    ['old', ['read -r settings', `echo '{ "version": "0.0.1", "error": "what?" }'`, 'cat'], 'is of version 0.0.1'],
    ['other', ['exit 2'], 'ended with code 2'],
    ['words', ['echo hello'], 'says nothing that is understood'],
  ]) {
    const at = program(join(path, name), ...lines);
    found(t, at);
    await assert.rejects(startReceiver(settings), {
      code: 'SSF_COMMAND_MISMATCH',
      message: `${at} ${says}, and ${wanted}`,
    });
  }
  found(t, path);
  await assert.rejects(startReceiver(settings), { code: 'SSF_COMMAND_MISMATCH', message: /does not start/ });
});

test('a command that is nowhere is missing, and one on the path is found', async (t) => {
  found(t, '');
  const path = process.env.PATH;
  t.after(() => {
    process.env.PATH = path;
  });
  const empty = folder(t);
  process.env.PATH = empty;
  await assert.rejects(startReceiver(settings), {
    code: 'SSF_COMMAND_MISSING',
    message: /not installed: npm install --save-dev ssf-transmitter-cli/,
  });
  copyFileSync(SSF, join(empty, 'ssf'));
  const emulator = await startReceiver(settings);
  await emulator.stop();
});

test('the command of the package ssf-transmitter-cli is found', async (t) => {
  found(t, '');
  const before = process.cwd();
  t.after(() => process.chdir(before));
  const project = folder(t);
  install(project);
  process.chdir(project);
  const emulator = await startReceiver(settings);
  await emulator.stop();

  const without = folder(t);
  install(without, { program: false });
  process.chdir(without);
  await assert.rejects(startReceiver(settings), { code: 'SSF_COMMAND_MISSING', message: /--omit=optional/ });
});

test('the launcher of the package is the command', async (t) => {
  const modules = install(folder(t));
  const launcher = join(modules, 'ssf-transmitter-cli/ssf.js');
  const script = (args) => `
    import { spawnSync } from 'node:child_process';
    const { status, stdout } = spawnSync(process.execPath, ${JSON.stringify([launcher, ...args])}, { encoding: 'utf8' });
    console.log(status, stdout.trim());
  `;
  assert.equal((await run(script(['--version']))).stdout, `0 ssf ${version}\n`);
  assert.equal((await run(script(['dance']))).stdout, '2 \n');

  const child = spawn(
    process.execPath,
    [launcher, 'receiver', '--like', 'okta', '--audience', 'a', '--api-token', 't'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [ready] = await once(createInterface(child.stdout), 'line');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  await ended(JSON.parse(ready).base);
});

test('the packages of the command are for the machines of the package', () => {
  const { optionalDependencies } = JSON.parse(readFileSync(join(CLI, 'package.json'), 'utf8'));
  assert.deepEqual(
    Object.keys(optionalDependencies),
    PLATFORMS.map((name) => `@ssf-transmitter/cli-${name}`),
  );
});

test('it does not keep the process alive', async () => {
  const { code, stdout } = await run(START);
  assert.equal(code, 0);
  await ended(stdout.trim());
});

for (const ending of ['process.kill(process.pid, "SIGKILL")', 'process.exit(0)']) {
  test(`it ends with the process: ${ending}`, async (t) => {
    const [child, url] = await started(t, `${START} process.stdin.once('data', () => ${ending});`);
    child.stdin.write('\n');
    await ended(url);
  });
}

test('it is asked while the event loop waits, and by many', async (t) => {
  const emulator = await startReceiver(settings);
  t.after(() => emulator.stop());
  for (let n = 0; n < 200; n++) assert.deepEqual([emulator.requests, emulator.accepted], [[], {}]);
  await fetch(emulator.url, { method: 'POST' });
  assert.equal(emulator.requests.length, 1);
});

test('it says that it is stopped when somebody ended it', async (t) => {
  const path = folder(t);
  found(t, program(join(path, 'ssf'), `echo $$ >'${path}/pid'`, `exec '${SSF}' "$@"`));
  const emulator = await startReceiver(settings);
  process.kill(Number(readFileSync(join(path, 'pid'), 'utf8')), 'SIGKILL');
  await ended(emulator.url);
  assert.throws(() => emulator.requests, /the emulator is stopped/);
  assert.throws(() => emulator.clear(), /the emulator is stopped/);
  await emulator.stop();
});
