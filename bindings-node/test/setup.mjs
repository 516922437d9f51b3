// What most tests begin with.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SigningKey, Transmitter } from 'ssf-transmitter';
import { startReceiver } from 'ssf-transmitter/testing';

export const ISSUER = 'https://edr.example.com';
export const ADA = { format: 'email', email: 'ada@example.com' };

/** A transmitter, and an emulator that knows it. The emulator is stopped when the test ends. */
export async function pair(t, { emulator: more = {}, transmitter: settings = {}, type = 'P-256' } = {}) {
  const key = await SigningKey.generate(type);
  const emulator = await startReceiver({ issuer: ISSUER, keys: key, ...more });
  t.after(() => emulator.stop());
  const transmitter = new Transmitter({ issuer: ISSUER, key, caBundle: emulator.caPem, ...settings });
  return { key, emulator, transmitter, to: emulator.receiver() };
}

/** A script by which every push goes wrong. */
export const always = (fault) => ({ rules: [{ fault }] });

/** Waits until something holds; the time limit of the test run ends it otherwise. */
export async function until(holds) {
  while (!holds()) await new Promise(setImmediate);
}

/** The same for what has to be awaited. */
export async function eventually(holds) {
  while (!(await holds())) await new Promise(setImmediate);
}

/** The PostgreSQL server that `cargo xtask test node` has started. */
export function postgresUrl() {
  const url = process.env.SSF_TEST_POSTGRES;
  if (url !== undefined) return url;
  throw new Error(
    'SSF_TEST_POSTGRES is not set: run `cargo run -p ssf-transmitter-postgres --example server` beside the tests, and set it to the URL that this prints',
  );
}

/** A new folder, removed when the test ends. */
export function folder(t) {
  const made = mkdtempSync(join(tmpdir(), 'ssf-outbox-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Runs a script in a process of its own. `ssf-transmitter` is there for it to import. */
export function run(script, ...options) {
  const child = spawn(process.execPath, [...options, '--input-type=module', '--eval', script], {
    cwd: new URL('.', import.meta.url),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
