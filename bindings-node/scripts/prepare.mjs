// What `npm install ./bindings-node` and `npm pack` need: the built package, made here if it is not there yet.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { npm } from './npm.mjs';

const folder = new URL('../', import.meta.url);
const built = ['index.mjs', 'outbox.mjs', 'streams.mjs', 'testing.mjs'].every((name) =>
  existsSync(new URL(`dist/${name}`, folder)),
);
if (!built) {
  if (!existsSync(new URL('node_modules/typescript', folder)))
    npm(['ci', '--ignore-scripts'], { cwd: folder, stdio: 'inherit' });
  run(process.execPath, ['scripts/build.mjs']);
}

function run(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit', cwd: folder });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
