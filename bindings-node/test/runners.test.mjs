// Under the runners of users' own tests, each with all its ways to isolate test files, and with jsdom.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { node, project } from './hosts/project.mjs';

/** The runners end a test after 5 seconds, which a busy machine may need. In milliseconds. */
const PATIENCE = 600_000;

for (const environment of ['node', 'jsdom']) {
  for (const pool of ['processes', 'worker threads']) {
    test(`the package works under Jest in ${pool}, with ${environment}`, async (t) => {
      const folder = project(t, ['jest', 'scenario.cjs']);
      const cacheDirectory = `${folder}/cache`;
      const config = { transform: {}, cacheDirectory, testEnvironment: environment, testTimeout: PATIENCE };
      const options = [`--config=${JSON.stringify(config)}`, '--rootDir=.', '--maxWorkers=2'];
      if (pool === 'worker threads') options.push('--workerThreads');
      const { code, output } = await node(folder, 'jest/bin/jest.js', ...options);
      assert.equal(code, 0, output);
      assert.match(output, /Tests: +4 passed, 4 total/);
    });
  }

  for (const pool of ['threads', 'forks', 'vmThreads', 'vmForks']) {
    test(`the package works under Vitest in ${pool}, with ${environment}`, async (t) => {
      const folder = project(t, ['vitest', 'scenario.cjs']);
      const options = ['run', '--pool', pool, '--environment', environment, '--no-color'];
      options.push(`--testTimeout=${PATIENCE}`, `--hookTimeout=${PATIENCE}`, `--teardownTimeout=${PATIENCE}`);
      const { code, output } = await node(folder, 'vitest/vitest.mjs', ...options);
      assert.equal(code, 0, output);
      assert.match(output, /Tests +2 passed \(2\)/);
    });
  }
}
