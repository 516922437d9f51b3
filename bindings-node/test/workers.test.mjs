// Worker threads that come and go, in a process whose main thread has not loaded the package.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { node } from './hosts/project.mjs';

const HERE = fileURLToPath(new URL('./hosts/', import.meta.url));

for (const [ending, count] of Object.entries({ load: 50, close: 10, exit: 10, throw: 10, terminate: 10 })) {
  test(`${count} workers in a row may come and go: ${ending}`, async () => {
    const { code, signal, output } = await node(HERE, './workers.cjs', ending, String(count));
    assert.deepEqual([code, signal, output], [0, null, '3\n']);
  });
}
