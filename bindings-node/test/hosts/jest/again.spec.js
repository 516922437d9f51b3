const { scenario } = require('../scenario.cjs');

test('the package works', async () => {
  expect(await scenario(require('ssf-transmitter'), require('ssf-transmitter/testing'))).toBe(3);
});

test('a module registry of its own has a package of its own', async () => {
  await jest.isolateModulesAsync(async () => {
    expect(await scenario(require('ssf-transmitter'), require('ssf-transmitter/testing'))).toBe(3);
  });
});
