// Builds the native module, and puts it where the loader looks first.
//
// node scripts/native.mjs [profile [machine [target]]]
//
// The profile is `release` without one, and the machine is this one; xtask/src/target.rs has the others.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';

const [profile = 'release', machine, target] = process.argv.slice(2);
const folder = new URL('../', import.meta.url);
const cargo = process.env.CARGO ?? 'cargo';
// For the tests, the whole workspace: for this crate alone, dependencies would have other features, and be built again.
const crates = profile === 'dev' ? ['--workspace', '--lib', '--bins', '--examples'] : ['-p', 'ssf-transmitter-node'];
const build = spawnSync(
  cargo,
  [
    ...['build', '--locked', ...crates, '--profile', profile],
    ...(target === undefined ? [] : ['--target', target]),
    '--message-format=json-render-diagnostics',
  ],
  { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 30, encoding: 'utf8' },
);
if (build.error) throw new Error(`${cargo} does not start: install Rust (https://rustup.rs)`, { cause: build.error });
if (build.status !== 0) process.exit(build.status ?? 1);

const built = build.stdout
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line))
  .find(({ reason, target }) => reason === 'compiler-artifact' && target.name === 'ssf_transmitter_node');
const { platform } = createRequire(import.meta.url)('../dist/loader.js');
mkdirSync(new URL('dist/', folder), { recursive: true });
const there = new URL(`dist/ssf-transmitter.${machine ?? platform()}.node`, folder);
// Replaced, not overwritten: a process that has it loaded keeps what it has.
copyFileSync(
  built.filenames.find((name) => /\.(so|dylib|dll)$/.test(name)),
  new URL(`${there}.new`),
);
renameSync(new URL(`${there}.new`), there);
console.log(there.pathname);
