// Compiles the TypeScript, and writes what ES modules import.
//
// The package is compiled to CommonJS; an ES module imports the same objects under their names. So there is one of each
// class in a process, however it is imported, and `instanceof` holds.
//
// node scripts/build.mjs [profile [machine [target]]]    (those of scripts/native.mjs)

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('../', import.meta.url);
const dist = new URL('dist/', folder);

for (const name of existing(dist)) {
  if (!name.endsWith('.node')) rmSync(new URL(name, dist), { recursive: true });
}
const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', folder));
run(process.execPath, [tsc, '--project', fileURLToPath(new URL('tsconfig.json', folder))]);
run(process.execPath, [fileURLToPath(new URL('scripts/native.mjs', folder)), ...process.argv.slice(2)]);

for (const entry of ['index', 'outbox', 'streams', 'testing']) {
  const names = exported(readFileSync(new URL(`${entry}.js`, dist), 'utf8'));
  writeFileSync(
    new URL(`${entry}.mjs`, dist),
    `import all from './${entry}.js';\n\nexport const {\n${names.map((name) => `  ${name},\n`).join('')}} = all;\n`,
  );
  writeFileSync(new URL(`${entry}.d.mts`, dist), `export * from './${entry}.js';\n`);
}

// The names are read, as Node reads them for an `import`: the module would load a binary, perhaps for another machine.
function exported(text) {
  const found = text.matchAll(/\bexports\.(\w+) = |\bObject\.defineProperty\(exports, "(\w+)"/g);
  const names = new Set(Array.from(found, ([, assigned, defined]) => assigned ?? defined));
  names.delete('__esModule');
  return [...names].sort();
}

function existing(url) {
  try {
    return readdirSync(url);
  } catch {
    return [];
  }
}

function run(program, args) {
  const { status } = spawnSync(program, args, { stdio: 'inherit', cwd: folder });
  if (status !== 0) process.exit(status ?? 1);
}
