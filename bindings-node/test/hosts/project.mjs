// Projects in which the package is installed as users have it, and in which other tools run.

import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
const TOOLS = join(PACKAGE, 'node_modules');

/** A new folder with copies of `files` of this one, removed when the test ends. */
export function project(t, files) {
  const folder = mkdtempSync(join(tmpdir(), 'ssf-transmitter-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const file of files) cpSync(new URL(file, import.meta.url), join(folder, file), { recursive: true });
  const installed = join(folder, 'node_modules/ssf-transmitter');
  cpSync(join(PACKAGE, 'package.json'), join(installed, 'package.json'));
  mkdirSync(join(installed, 'dist'));
  for (const name of readdirSync(join(PACKAGE, 'dist'))) {
    const [from, to] = [join(PACKAGE, 'dist', name), join(installed, 'dist', name)];
    // The binary of a build with symbols is large.
    if (name.endsWith('.node')) symlinkSync(from, to);
    else cpSync(from, to, { recursive: true });
  }
  symlinkSync(join(TOOLS, 'vitest'), join(folder, 'node_modules/vitest'), 'junction');
  return folder;
}

/** Runs a script in a folder: a file of it, or that of a tool that is installed for the tests. */
export function node(folder, script, ...options) {
  const program = script.startsWith('./') ? join(folder, script) : join(TOOLS, script);
  const child = spawn(process.execPath, [program, ...options], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, output }));
  });
}
