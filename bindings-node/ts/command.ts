/** Finds the command `ssf`, which is the receiver emulator. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The version of this package, and of the command. */
export const version: string = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8')).version;

/** What to do where the command is missing, or another one. */
export const ADVICE = `npm install --save-dev ssf-transmitter-cli@${version}`;

/** The command: what `SSF_COMMAND` says, that of `ssf-transmitter-cli`, or the one on the path. */
export function command(): string {
  const chosen = process.env.SSF_COMMAND;
  if (chosen) return chosen;
  // The package may be linked to where nothing is installed beside it.
  return installed(__filename) ?? installed(join(process.cwd(), 'package.json')) ?? 'ssf';
}

function installed(from: string): string | undefined {
  const { resolve } = createRequire(from);
  try {
    resolve('ssf-transmitter-cli');
  } catch {
    return undefined;
  }
  return createRequire(from)('ssf-transmitter-cli').command();
}

/** The error of a command that is missing. */
export function missing(cause: Error): Error {
  const message = `The command ssf, which is the receiver emulator, is not installed: ${ADVICE}`;
  return Object.assign(new Error(message, { cause }), { code: 'SSF_COMMAND_MISSING' });
}

/** The error of a program that is not the command of this version. */
export function mismatch(program: string, found: string): Error {
  const message = `${program} ${found}, and has to be ssf of version ${version}: ${ADVICE}`;
  return Object.assign(new Error(message), { code: 'SSF_COMMAND_MISMATCH' });
}
