// Packs the package, installs the tarball in a clean project, and looks at it from there: both kinds of import, the types
// of all kinds of resolution, and the way it says that its binary is missing.
//
// node scripts/packed.mjs <folder to work in>

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from './npm.mjs';
import { copyPages } from './pages.mjs';

const folder = fileURLToPath(new URL('../', import.meta.url));
const work = resolve(process.argv[2]);
const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];

rmSync(work, { recursive: true, force: true });
const project = join(work, 'project');
mkdirSync(project, { recursive: true });
// The binary is large: what is looked at is a copy of the package with symbols taken out, where there is a tool for it.
const source = join(work, 'package');
const { files } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
for (const name of ['package.json', ...files.filter((name) => name !== 'docs')])
  cpSync(join(folder, name), join(source, name), { recursive: true });
copyPages(source);
const binary = `ssf-transmitter.${createRequire(import.meta.url)('../dist/loader.js').platform()}.node`;
for (const name of readdirSync(join(source, 'dist'))) {
  // Those of other platforms are built here, too.
  if (name.endsWith('.node') && name !== binary) rmSync(join(source, 'dist', name));
}
spawnSync('strip', ['--strip-all', join(source, 'dist', binary)]);

npm(['pack', '--ignore-scripts', '--pack-destination', '..', ...quiet], { cwd: source });
const tarball = readdirSync(work).find((name) => name.endsWith('.tgz'));
writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
npm(['install', '--ignore-scripts', ...quiet, `../${tarball}`], { cwd: project });

// The same script by import and, written anew, by require.
const script = readFileSync(join(folder, 'scripts/send.mjs'), 'utf8');
writeFileSync(join(project, 'esm.mjs'), script);
const required = script.replaceAll(/^import (.*) from (.*);$/gm, 'const $1 = require($2);');
writeFileSync(join(project, 'cjs.cjs'), `(async () => {\n${required}})();\n`);
writeFileSync(
  join(project, 'both.mjs'),
  `import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\n` +
    `const entries = ['', '/outbox', '/streams', '/testing'].map((entry) => \`ssf-transmitter\${entry}\`);\n` +
    `const same = async (entry) => {\n  const [cjs, esm] = [require(entry), await import(entry)];\n` +
    `  return [...new Set([...Object.keys(cjs), ...Object.keys(esm)])].every((name) => cjs[name] === esm[name]);\n};\n` +
    `console.log((await Promise.all(entries.map(same))).every(Boolean) && 'same');\n`,
);
for (const [name, expected] of [
  ['esm.mjs', '202'],
  ['cjs.cjs', '202'],
  ['both.mjs', 'same'],
]) {
  assert.equal(run(process.execPath, [name], project).trim(), expected, name);
}

const attw = join(folder, 'node_modules/@arethetypeswrong/cli/dist/index.js');
// node10 knows no `exports`, and so no `ssf-transmitter/testing`; every Node that is supported does.
run(process.execPath, [attw, join(work, tarball), '--profile', 'node16', '--format', 'ascii'], project);

// The pages that texts of the package name, and the links of the README.
const installed = join(project, 'node_modules/ssf-transmitter');
const readme = readFileSync(join(installed, 'README.md'), 'utf8');
const named = ['errors.md', 'rules.md', ...Array.from(readme.matchAll(/\]\(docs\/([a-z-]+\.md)/g), ([, page]) => page)];
for (const page of named) assert.ok(existsSync(join(installed, 'docs', page)), `the package contains docs/${page}`);

// Nothing runs when it is installed.
const { scripts } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
for (const name of ['preinstall', 'install', 'postinstall']) assert.equal(scripts?.[name], undefined, name);

rmSync(join(project, 'node_modules/ssf-transmitter/dist', binary));
const without = spawnSync(process.execPath, ['esm.mjs'], { cwd: project, encoding: 'utf8' });
assert.notEqual(without.status, 0);
assert.match(without.stderr, /The package @ssf-transmitter\/\S+, which has the binary .* is not installed/);
assert.match(without.stderr, /SSF_NATIVE_MODULE_MISSING/);
console.log('the packed tarball works by import and by require, and says what is missing');

function run(program, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (error) throw error;
  assert.equal(status, 0, `${program} ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}
