/** Finds the native module for this machine. */

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { bundled } from './bundled.js';

/** The machines that there is a package for. */
export const PLATFORMS = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'linux-x64-gnu',
  'linux-x64-musl',
  'win32-x64-msvc',
];

/** The name of this machine, as the packages have it. */
export function platform(): string {
  const machine = `${process.platform}-${process.arch}`;
  if (process.platform === 'linux') return `${machine}-${usesGlibc() ? 'gnu' : 'musl'}`;
  return process.platform === 'win32' ? `${machine}-msvc` : machine;
}

function usesGlibc(): boolean {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime !== undefined;
}

/** Loads the module that was built here, or else that of the package for this machine. */
export function load(): unknown {
  const machine = platform();
  const name = `@ssf-transmitter/${machine}`;
  const local = join(__dirname, `ssf-transmitter.${machine}.node`);
  const there = existsSync(local);
  try {
    // Bundlers put something of their own in the place of a plain `require`.
    return createRequire(__filename)(there ? local : name);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND' && !there;
    if (missing && !isPackage(join(__dirname, '..'))) throw bundled(cause);
    const error = new Error(missing ? advice(machine, name) : `${there ? local : name} cannot be loaded`, { cause });
    throw Object.assign(error, { code: 'SSF_NATIVE_MODULE_MISSING' });
  }
}

/** Whether a folder is that of this package; a bundle is in another one. */
function isPackage(folder: string): boolean {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name === 'ssf-transmitter';
  } catch {
    return false;
  }
}

function advice(machine: string, name: string): string {
  if (!PLATFORMS.includes(machine)) {
    return `ssf-transmitter has no binary for ${machine}; it has them for ${PLATFORMS.join(', ')}`;
  }
  return (
    `The package ${name}, which has the binary of ssf-transmitter for this machine, is not installed. ` +
    'Install again without --omit=optional (or --no-optional), and on the machine that will run it: ' +
    'node_modules from another platform do not work.'
  );
}
