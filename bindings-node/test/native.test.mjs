// `ts/native.ts` describes the native module by hand. This compares its names with the module, in both directions.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const { native } = createRequire(import.meta.url)('../dist/native.js');
const source = readFileSync(new URL('../ts/native.ts', import.meta.url), 'utf8');

const INHERENT = ['arguments', 'caller', 'constructor', 'length', 'name', 'prototype'];

/** The names of an object's own properties, without those that every class and function has. */
const own = (object) => Object.getOwnPropertyNames(object).filter((name) => !INHERENT.includes(name));

const classes = Object.entries(native).filter(([, value]) => typeof value === 'function' && /^[A-Z]/.test(value.name));
const actual = new Set([...Object.keys(native), ...classes.flatMap(([, one]) => [...own(one), ...own(one.prototype)])]);

test('native.ts declares everything that the native module has', () => {
  assert.ok(classes.length > 10, `${classes.length} classes`);
  const declared = new Set([...source.matchAll(/[\s{](?:readonly )?(\w+)\??[(:<]/g)].map(([, name]) => name));
  // A class without static members is an interface there, and nothing else.
  const isInterface = (name) => source.includes(`interface Native${name} {`);
  const missing = [...actual].filter((name) => !declared.has(name) && !isInterface(name) && name !== 'stayLoaded');
  assert.deepEqual(missing, []);
});

test('the native module has every method that native.ts declares', () => {
  const methods = [...source.matchAll(/^\s+(\w+)(?:<\w+>)?\(/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== 'new');
  assert.ok(methods.length > 50, `${methods.length} methods`);
  assert.deepEqual(
    methods.filter((name) => !actual.has(name)),
    [],
  );
});
