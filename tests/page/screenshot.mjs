// Writes a picture of the page for the README: node screenshot.mjs FILE. SSF_COMMAND is the command, CHROMIUM the browser.

import { chromium } from 'playwright-core';
import { Receiver } from './receiver.mjs';

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM });
const receiver = await Receiver.start();
try {
  const page = await browser.newPage({ viewport: { width: 960, height: 900 }, colorScheme: 'light' });
  await page.goto(receiver.ready.page);
  await page.getByText('Live', { exact: true }).waitFor();
  await receiver.emit('caep.device-compliance-change', '--current-status', 'not-compliant', '--previous-status', 'compliant');
  await receiver.push({ iss: receiver.issuer, events: {} });
  await receiver.emit('caep.session-revoked', '--reason-admin', 'en=Laptop lost', '--event-timestamp', 'now');
  const entry = page.locator('#arrivals > li').filter({ hasText: 'Session Revoked' });
  await entry.locator('summary').first().click();
  await entry.locator('.detail').waitFor();
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: process.argv[2] });
} finally {
  await receiver.stop();
  await browser.close();
}
