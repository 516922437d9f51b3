// Lays out what is released: the package of the command, and one with the program for a machine.
//
// node dist.mjs <program> <machine> <folder> <licences of what the program contains>

import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('./', import.meta.url));
const [built, machine, out, licences] = process.argv.slice(2);
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const program = machine.startsWith('win32-') ? 'ssf.exe' : 'ssf';

rmSync(out, { recursive: true, force: true });
const main = join(out, manifest.name);
const own = join(out, `cli-${machine}`);
for (const target of [main, own]) {
  mkdirSync(target, { recursive: true });
  for (const name of ['LICENSE-APACHE', 'LICENSE-MIT']) cpSync(join(folder, '..', name), join(target, name));
}
for (const name of ['index.js', 'index.d.ts', 'ssf.js']) cpSync(join(folder, name), join(main, name));
cpSync(join(folder, '../README.md'), join(main, 'README.md'));
write(main, manifest);

const [os, cpu, libc] = machine.split('-');
// Until a run of .github/workflows/build.yml has passed there.
const untested = os === 'linux' ? '' : ' Untested on this platform.';
cpSync(licences, join(own, 'THIRD-PARTY.txt'));
cpSync(built, join(own, program));
chmodSync(join(own, program), 0o755);
write(own, {
  name: `@ssf-transmitter/cli-${machine}`,
  version: manifest.version,
  description: `The command ssf of ssf-transmitter for ${machine}.${untested}`,
  keywords: manifest.keywords,
  license: manifest.license,
  ...(manifest.homepage && { homepage: manifest.homepage }),
  ...(manifest.repository && { repository: manifest.repository }),
  engines: manifest.engines,
  files: [program, 'LICENSE-APACHE', 'LICENSE-MIT', 'THIRD-PARTY.txt'],
  os: [os],
  cpu: [cpu],
  ...(os === 'linux' && { libc: [libc === 'gnu' ? 'glibc' : 'musl'] }),
});
writeFileSync(
  join(own, 'README.md'),
  `# @ssf-transmitter/cli-${machine}\n\nThe command ssf for ${machine}.${untested} Install \`ssf-transmitter-cli\`, which depends on it.\n`,
);
console.log(`${main}\n${own}: ${(statSync(join(own, program)).size / 1e6).toFixed(1)} MB`);

function write(target, content) {
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
}
