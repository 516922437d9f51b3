import * as sdk from 'ssf-transmitter';
import * as testing from 'ssf-transmitter/testing';
import { expect, test } from 'vitest';
import { scenario } from '../scenario.cjs';

test('the package works', async () => {
  expect(await scenario(sdk, testing)).toBe(3);
});
