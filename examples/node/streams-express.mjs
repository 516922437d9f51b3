// A transmitter in an Express app: receivers create streams there, and poll.
//
//   ISSUER=https://tr.example.com KEY_FILE=signing-key.pem PORT=8080 node streams-express.mjs

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import express from 'express';
import { caep, SigningKey } from 'ssf-transmitter';
import { Outbox } from 'ssf-transmitter/outbox';
import { StreamApi } from 'ssf-transmitter/streams';

const { ISSUER, KEY_FILE, PORT = '8080' } = process.env;
const api = new StreamApi({
  issuer: ISSUER,
  key: await SigningKey.fromPem(await readFile(KEY_FILE)),
  outbox: Outbox.inMemory(),
  events: ['caep.session-revoked', 'caep.credential-change'],
});

// The hashes of the tokens that you gave to receivers.
const hash = (token) => createHash('sha256').update(token).digest('hex');
const acme = { receiver: 'acme', scopes: 'ssf.manage', audience: 'https://acme.example.com' };
const receivers = new Map([[hash('of-acme'), acme]]);

const app = express();
// Before anything that parses bodies.
app.use(
  api.nodeHandler(({ headers }) => {
    const [scheme, token = ''] = (headers.authorization ?? '').split(' ');
    return scheme === 'Bearer' ? receivers.get(hash(token)) : undefined;
  }),
);
app.post('/sessions/:email/revoke', async (request, response) => {
  const event = caep.sessionRevoked({ reasonAdmin: { en: 'Laptop lost' } });
  const { streams } = await api.publish(event, { format: 'email', email: request.params.email });
  response.json(streams);
});
const server = app.listen(Number(PORT), '127.0.0.1', () => console.log(`port ${server.address().port}`));
