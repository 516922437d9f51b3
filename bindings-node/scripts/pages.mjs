// The pages that the package contains: its README, and those of the documentation that are for users.

import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../', import.meta.url));
const documentation = join(folder, '../docs');
const FOR_CONTRIBUTORS = ['adding-an-event.md', 'architecture.md'];

/** Puts the pages into a package. The links of the README lead to `docs/` in it. */
export function copyPages(target) {
  mkdirSync(join(target, 'docs'), { recursive: true });
  for (const name of readdirSync(documentation)) {
    if (!name.endsWith('.md') || FOR_CONTRIBUTORS.includes(name)) continue;
    cpSync(join(documentation, name), join(target, 'docs', name));
  }
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  writeFileSync(join(target, 'README.md'), readme.replaceAll('](../docs/', '](docs/'));
}
