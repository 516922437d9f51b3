// Lays out what is released: the package itself, without a binary, and one package with the binary for a machine.
//
// node scripts/dist.mjs <machine> <folder> <licences of what the binary contains>

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyPages } from './pages.mjs';

const folder = fileURLToPath(new URL('../', import.meta.url));
const [machine, out, licences] = [process.argv[2], resolve(process.argv[3]), process.argv[4]];
const { PLATFORMS } = createRequire(import.meta.url)('../dist/loader.js');
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const binary = `ssf-transmitter.${machine}.node`;

rmSync(out, { recursive: true, force: true });
const main = join(out, 'ssf-transmitter');
const own = join(out, machine);
for (const name of readdirSync(join(folder, 'dist'))) {
  if (!name.endsWith('.node')) cpSync(join(folder, 'dist', name), join(main, 'dist', name), { recursive: true });
}
mkdirSync(own, { recursive: true });
cpSync(join(folder, 'dist', binary), join(own, binary));
for (const target of [main, own]) {
  for (const name of ['LICENSE-APACHE', 'LICENSE-MIT']) cpSync(join(folder, name), join(target, name));
}
cpSync(licences, join(own, 'THIRD-PARTY.txt'));
copyPages(main);

const { scripts, devDependencies, ...released } = manifest;
const optional = PLATFORMS.map((name) => [`@ssf-transmitter/${name}`, manifest.version]);
write(main, { ...released, optionalDependencies: Object.fromEntries(optional) });

const [os, cpu, libc] = machine.split('-');
// Until a run of .github/workflows/build.yml has passed there.
const untested = os === 'linux' ? '' : ' Untested on this platform.';
write(own, {
  name: `@ssf-transmitter/${machine}`,
  version: manifest.version,
  description: `The binary of ssf-transmitter for ${machine}.${untested}`,
  keywords: manifest.keywords,
  license: manifest.license,
  ...(manifest.homepage && { homepage: manifest.homepage }),
  ...(manifest.repository && { repository: manifest.repository }),
  engines: manifest.engines,
  main: binary,
  files: [binary, 'LICENSE-APACHE', 'LICENSE-MIT', 'THIRD-PARTY.txt'],
  os: [os],
  cpu: [cpu],
  ...(os === 'linux' && { libc: [libc === 'gnu' ? 'glibc' : 'musl'] }),
});
writeFileSync(
  join(own, 'README.md'),
  `# @ssf-transmitter/${machine}\n\nThe binary of ssf-transmitter for ${machine}.${untested} Install \`ssf-transmitter\`, which depends on it.\n`,
);
console.log(`${main}\n${own}: ${(statSync(join(own, binary)).size / 1e6).toFixed(1)} MB`);

function write(target, content) {
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
}
