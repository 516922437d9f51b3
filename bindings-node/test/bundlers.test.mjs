// Bundles cannot hold the native module: the error says how to exclude the package, and with that setting all works.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import commonjs from '@rollup/plugin-commonjs';
import nodeResolve from '@rollup/plugin-node-resolve';
import * as esbuild from 'esbuild';
import { rollup } from 'rollup';
import webpack from 'webpack';
import { node, project } from './hosts/project.mjs';

const NAME = 'ssf-transmitter';

/** Bundles a program of a folder to a file; `external` is the setting that the error names. */
const BUNDLERS = {
  esbuild: {
    external: [NAME],
    bundle: (folder, file, format, external) =>
      esbuild.build({
        absWorkingDir: folder,
        entryPoints: ['program.mjs'],
        outfile: file,
        bundle: true,
        platform: 'node',
        format,
        logLevel: 'silent',
        ...(external && { external }),
      }),
  },
  Rollup: {
    external: [/^ssf-transmitter/],
    async bundle(folder, file, format, external) {
      const plugins = [nodeResolve({ exportConditions: ['node'] }), commonjs()];
      const input = join(folder, 'program.mjs');
      const bundle = await rollup({ input, plugins, logLevel: 'silent', ...(external && { external }) });
      await bundle.write({ file: join(folder, file), format });
      await bundle.close();
    },
  },
  webpack: {
    external: Object.fromEntries(
      [NAME, `${NAME}/outbox`, `${NAME}/streams`, `${NAME}/testing`].map((name) => [name, `commonjs ${name}`]),
    ),
    async bundle(folder, file, format, externals) {
      const esm = format === 'esm' && { experiments: { outputModule: true } };
      const compiler = webpack({
        mode: 'none',
        target: 'node',
        context: folder,
        entry: './program.mjs',
        output: { path: folder, filename: file, module: format === 'esm', chunkFormat: 'commonjs' },
        ...esm,
        ...(externals && { externals }),
      });
      const stats = await promisify(compiler.run.bind(compiler))();
      assert.ok(!stats.hasErrors(), stats.toString());
      await promisify(compiler.close.bind(compiler))();
    },
  },
};

for (const [name, { external, bundle }] of Object.entries(BUNDLERS)) {
  for (const [format, file] of [
    ['cjs', './bundle.cjs'],
    ['esm', './bundle.mjs'],
  ]) {
    test(`${name} to ${format}: the error names the setting`, async (t) => {
      const folder = project(t, ['program.mjs', 'scenario.cjs']);
      await bundle(folder, file, format);
      const { code, output } = await node(folder, file);
      assert.equal(code, 1, output);
      assert.match(output, /Error: ssf-transmitter is part of a bundle.*\bexternals?: /);
      assert.match(output, /SSF_NATIVE_MODULE_BUNDLED/);
      assert.ok(output.includes(`${name}: external`), output);
    });

    test(`${name} to ${format}: with the setting the program works`, async (t) => {
      const folder = project(t, ['program.mjs', 'scenario.cjs']);
      await bundle(folder, file, format, external);
      assert.deepEqual(await node(folder, file), { code: 0, signal: null, output: '3\n' });
    });
  }
}
