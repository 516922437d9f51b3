// A transmitter in a Hono app: receivers create streams there, and poll.
//
//   ISSUER=https://tr.example.com KEY_FILE=signing-key.pem PORT=8080 node streams-hono.mjs

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
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

const handle = api.fetchHandler(({ headers }) => {
  const [scheme, token = ''] = (headers.get('authorization') ?? '').split(' ');
  return scheme === 'Bearer' ? receivers.get(hash(token)) : undefined;
});

const app = new Hono();
app.post('/sessions/:email/revoke', async (context) => {
  const event = caep.sessionRevoked({ reasonAdmin: { en: 'Laptop lost' } });
  const { streams } = await api.publish(event, { format: 'email', email: context.req.param('email') });
  return context.json(streams);
});
app.all('*', (context) => handle(context.req.raw));
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(PORT) }, ({ port }) => console.log(`port ${port}`));
