// Reports a purged account to GOV.UK One Login, with an access token that the library fetches and caches.
//
//   INBOUND_URL=… AUDIENCE=… TOKEN_URL=… CLIENT_ID=… CLIENT_SECRET=… ISSUER=… KEY_FILE=… node govuk.mjs urn:fdc:gov.uk:2022:…

import { readFile } from 'node:fs/promises';
import { Receiver, risc, SigningKey, Transmitter } from 'ssf-transmitter';

const { INBOUND_URL, AUDIENCE, TOKEN_URL, CLIENT_ID, CLIENT_SECRET, ISSUER, KEY_FILE } = process.env;
const key = await SigningKey.fromPem(await readFile(KEY_FILE));
const transmitter = new Transmitter({ issuer: ISSUER, key });
const govuk = Receiver.govukOneLogin(INBOUND_URL, {
  audience: AUDIENCE,
  clientCredentials: { tokenUrl: TOKEN_URL, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
  // Only for a local emulator.
  allowLoopback: INBOUND_URL.startsWith('http://127.0.0.1'),
});

const subject = { format: 'uri', uri: process.argv[2] };
const { jti, status } = await transmitter.emit(risc.accountPurged(), subject, { to: govuk });
console.log(`${jti} was taken with status ${status}`);
