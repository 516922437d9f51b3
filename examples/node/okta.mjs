// Sends a first SET to an Okta org.
//
//   OKTA_ORG=https://acme.okta.com ISSUER=https://edr.example.com KEY_FILE=signing-key.pem node okta.mjs ada@example.com

import { readFile } from 'node:fs/promises';
import { okta, Receiver, SigningKey, SsfError, Transmitter } from 'ssf-transmitter';

const key = await SigningKey.fromPem(await readFile(process.env.KEY_FILE));
const transmitter = new Transmitter({ issuer: process.env.ISSUER, key });
const acme = Receiver.okta(process.env.OKTA_ORG, {
  // Only if a local emulator acts as the org.
  audience: process.env.OKTA_AUDIENCE,
  allowLoopback: process.env.OKTA_AUDIENCE !== undefined,
});

const event = okta.userRiskChange({
  currentLevel: 'high',
  previousLevel: 'low',
  eventTimestamp: new Date(),
  reasonAdmin: { en: 'Impossible travel' },
});
const user = { format: 'email', email: process.argv[2] };

for (const { severity, message, remedy } of transmitter.lint(event, user, { to: acme })) {
  console.error(`${severity}: ${message} ${remedy}`);
}
try {
  const { jti, status } = await transmitter.emit(event, user, { to: acme });
  console.log(`${jti} was taken with status ${status}`);
} catch (error) {
  if (!(error instanceof SsfError)) throw error;
  console.error(`${error.code}: ${error.message}. ${error.remedy}`);
  process.exitCode = error.retryable ? 75 : 1;
}
