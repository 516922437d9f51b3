// Runs npm. On Windows it is a script, which only a shell starts: no argument may have a space in it.

import { spawnSync } from 'node:child_process';

export function npm(args, options) {
  const { status, error, stderr } = spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (error) throw error;
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ends with ${status}\n${stderr ?? ''}`);
}
