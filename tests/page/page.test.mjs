// The page of `ssf receiver` in a browser: SSF_COMMAND is the command, CHROMIUM the browser.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, beforeEach, afterEach, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Receiver } from './receiver.mjs';

const axe = createRequire(import.meta.url).resolve('axe-core');
let browser;
let receiver;
let context;
let page;
let trouble;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM });
});
after(() => browser.close());

beforeEach(async () => {
  receiver = await Receiver.start();
  await look({});
});
afterEach(async () => {
  await context.close();
  await receiver.stop();
  assert.deepEqual(trouble, []);
});

/** Opens the page; whatever goes wrong in the browser, or leaves this machine, fails the test. */
async function look(options) {
  await context?.close();
  // Only a tool of the test puts programs into the page; the page itself is nevertheless under its own policy.
  context = await browser.newContext({ ...options, permissions: ['clipboard-read', 'clipboard-write'] });
  page = await context.newPage();
  trouble = [];
  page.on('pageerror', (error) => trouble.push(String(error)));
  page.on('dialog', (dialog) => trouble.push(`dialog: ${dialog.message()}`));
  page.on('console', (message) => message.type() === 'error' && trouble.push(message.text()));
  const { origin } = new URL(receiver.ready.page);
  page.on('request', (request) => new URL(request.url()).origin === origin || trouble.push(request.url()));
  await page.goto(receiver.ready.page);
  await page.waitForURL(`${origin}/`);
  await page.getByText('Live', { exact: true }).waitFor();
}

const entries = () => page.locator('#arrivals > li:not([hidden])');
const entry = (title) => entries().filter({ hasText: title });
const focused = () => page.evaluate(() => document.activeElement.textContent);

async function violations() {
  // The policy of the page forbids programs of others, so axe is run by the browser's debugger.
  const { readFile } = await import('node:fs/promises');
  await page.evaluate(await readFile(axe, 'utf8'));
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

async function width() {
  return page.evaluate(() => document.documentElement.scrollWidth);
}

test('what arrives is shown at once, the newest first, with verdict, times and findings', async () => {
  await page.getByText('Nothing has arrived yet.').waitFor();
  await receiver.emit('caep.session-revoked');
  await entry('Session Revoked').waitFor();
  await receiver.push({ iss: receiver.issuer, events: {} });
  await entry('POST /events').waitFor();
  assert.match(await entries().first().textContent(), /rejected/);
  await page.locator('#news', { hasText: /POST \/events: Rejected|have arrived/ }).waitFor();

  await entry('Session Revoked').locator('summary').first().click();
  const detail = entry('Session Revoked').locator('.detail');
  await detail.getByText('Accepted, answered with 202').waitFor();
  await detail.getByText('it arrived').first().waitFor();
  await detail.getByText('"jti":').waitFor();
  await entry('POST /events').locator('summary').first().click();
  await entry('POST /events').locator('.detail [data-list="findings"] li').first().waitFor();
});

test('markup in every member is text', async () => {
  const markup = '</script></pre><img src=x onerror=alert(1)><script>alert(2)</script><b>&amp;"\'';
  const event = { [`https://edr.example.com/${markup}`]: { [markup]: [markup, { [markup]: markup }] } };
  const about = { format: markup, [markup]: markup };
  const claims = { iss: markup, aud: markup, jti: markup, txn: markup, [markup]: markup };
  await receiver.push({ ...claims, sub_id: about, events: event });
  await entries().first().waitFor();
  await entries().first().locator('summary').first().click();
  for (const copy of await entries().first().locator('.detail details summary').all()) await copy.click();
  await page.locator('#arrivals').getByText('<img src=x onerror=alert(1)>').first().waitFor();
  assert.equal(await page.locator('#arrivals img, #arrivals script, #arrivals b').count(), 0);
});

test('the keyboard is enough', async () => {
  const events = ['caep.session-revoked', 'risc.account-disabled', 'risc.account-purged'];
  for (const event of events) await receiver.emit(event);
  await entry('Account Purged').waitFor();
  await page.keyboard.press('j');
  assert.match(await focused(), /Account Purged/);
  await page.keyboard.press('ArrowDown');
  assert.match(await focused(), /Account Disabled/);
  await page.keyboard.press('k');
  assert.match(await focused(), /Account Purged/);
  await page.keyboard.press('Enter');
  await entry('Account Purged').locator('.detail').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('session q!');
  assert.equal(await entries().count(), 0);
  await page.getByText('Nothing matches.').waitFor();
  for (let at = 0; at < 3; at++) await page.keyboard.press('Backspace');
  await page.getByText('(1 of 3)').waitFor();
  await page.keyboard.press('Escape');
  assert.match(await focused(), /Session Revoked/);
});

test('faults are switched, and the list is filtered by outcome', async () => {
  await receiver.emit('caep.session-revoked');
  await page.getByLabel('Faults', { exact: true }).selectOption('Reject with invalid_key');
  await page.locator('#news', { hasText: 'switched' }).waitFor();
  await assert.rejects(receiver.emit('risc.account-purged'));
  await entry('Account Purged').waitFor();
  await page.getByLabel('Show').selectOption('rejected');
  assert.equal(await entries().count(), 1);
  await page.getByText('Own faults').first().click();
  await page.getByLabel('Script').fill('[{"nth": 0, "fault": "close"}]');
  await page.getByRole('button', { name: 'Switch on' }).click();
  await page.getByRole('alert').filter({ hasText: '/0/nth' }).waitFor();
  // The browser reports each answer that is an error.
  trouble = trouble.filter((text) => !text.includes('400'));
  await page.getByLabel('Faults', { exact: true }).selectOption('As started');
  await receiver.emit('risc.account-purged');
});

test('a command and programs are copied', async () => {
  await receiver.emit('caep.session-revoked', '--reason-admin', 'en=Laptop lost');
  await entry('Session Revoked').locator('summary').first().click();
  for (const [name, part] of [
    ['ssf emit', '--event=caep.session-revoked'],
    ['Python', 'from ssf_transmitter import'],
    ['Node', "from 'ssf-transmitter'"],
    ['Swift', 'import SSFTransmitter'],
    ['Rust', 'use ssf_transmitter::'],
  ]) {
    await page.locator('.detail summary').filter({ hasText: name }).click();
    await page.getByRole('button', { name: `Copy ${name}` }).click();
    await page.locator('#news', { hasText: `${name} is copied.` }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(copied.includes(part) && copied.includes('Laptop lost'), copied);
  }
});

for (const colorScheme of ['light', 'dark']) {
  for (const size of [400, 1280]) {
    test(`everybody can read it, ${colorScheme}, ${size} pixels wide`, async () => {
      await look({ colorScheme, viewport: { width: size, height: 800 } });
      assert.deepEqual(await violations(), []);
      await receiver.emit('caep.session-revoked', '--reason-admin', `en=${'long'.repeat(100)}`);
      await receiver.push({ iss: 'x'.repeat(300), events: { ['y'.repeat(300)]: {} } });
      await entries().nth(1).waitFor();
      for (const item of await entries().all()) await item.locator('summary').first().click();
      for (const copy of await page.locator('.detail details summary').all()) await copy.click();
      assert.deepEqual(await violations(), []);
      assert.ok((await width()) <= size, `${await width()}`);
      const folder = process.env.SCREENSHOTS;
      if (folder) await page.screenshot({ path: `${folder}/${colorScheme}-${size}.png` });
    });
  }
}

test('the page says when the receiver ends', async () => {
  receiver.process.kill();
  await page.getByText('The receiver does not answer.').waitFor();
  trouble = trouble.filter((text) => !text.includes('ERR_'));
});
