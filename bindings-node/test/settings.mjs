// What texts call settings, by tests/vectors/settings.json.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const read = (name) => JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}`, import.meta.url), 'utf8'));

export const FILE = read('settings.json');
export const COUNTS = read('manifest.json')['settings.json'];

const OWN = new Set(Object.values(FILE.names).map(({ node }) => node));
const FOREIGN = Object.values(FILE.names)
  .flatMap((names) => Object.values(names))
  .filter((name) => !OWN.has(name));

/** The text, where it names settings as this package does. */
export const inNode = (text) =>
  Object.entries(FILE.names).reduce((text, [name, { node }]) => text.replaceAll(`\`${name}\``, `\`${node}\``), text);

/** A text names these settings, and none by a name of another language. */
export function assertNames(text, settings) {
  for (const setting of settings) assert.ok(text.includes(`\`${FILE.names[setting].node}\``), text);
  assert.deepEqual(
    FOREIGN.filter((name) => text.includes(`\`${name}\``)),
    [],
    text,
  );
}
