// Serves the two documents of a transmitter in an Express app. Run it behind TLS, at the issuer's host.
//
//   ISSUER=https://edr.example.com KEY_FILE=signing-key.pem PORT=8080 node express.mjs

import { readFile } from 'node:fs/promises';
import express from 'express';
import { KeySet, SigningKey, transmitterConfiguration } from 'ssf-transmitter';

const { ISSUER, KEY_FILE, PORT = '8080' } = process.env;
const keys = new KeySet(await SigningKey.fromPem(await readFile(KEY_FILE)));
const { path, document } = transmitterConfiguration({ issuer: ISSUER, jwksUri: `${ISSUER}/jwks.json` });

const app = express();
app.get(path, (_, response) => response.json(document));
// Evaluated for each request, because keys may have been rotated.
app.get('/jwks.json', (_, response) => response.json(keys.jwks()));
const server = app.listen(Number(PORT), '127.0.0.1', () => console.log(`port ${server.address().port}`));
