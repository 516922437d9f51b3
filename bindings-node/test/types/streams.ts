// What the compiler takes, and what it has to refuse. Checked with `tsc`, and never run.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { caep, type Dialect, KeySet, type Signer, type SigningKey } from 'ssf-transmitter';
import { Outbox } from 'ssf-transmitter/outbox';
import {
  type Audit,
  type Caller,
  type FetchHandler,
  generateStaticToken,
  type Published,
  StreamApi,
  type TrustedIssuer,
} from 'ssf-transmitter/streams';

declare const key: SigningKey;
declare const signer: Signer;
declare const dialect: Dialect;
const outbox = Outbox.inMemory();
const issuer = 'https://tr.example.com';

const api = new StreamApi({ issuer, key, outbox, events: ['caep.session-revoked'], push: true, longPoll: 25_000 });
new StreamApi({ issuer, key: new KeySet(key), outbox, events: [], defaultSubjects: 'NONE' });
new StreamApi({ issuer, key, outbox, events: [], maxSubjects: 10, removalGrace: 60_000, dialects: [dialect] });
new StreamApi({ issuer, key, outbox, events: [], inactivityTimeout: 60_000, inactivityStop: 'disable' });
// @ts-expect-error a dialect of your own has a file, and no id alone
new StreamApi({ issuer, key, outbox, events: [], dialects: ['acme'] });
new StreamApi({ issuer, key: signer, outbox, events: [] });
new StreamApi({
  issuer,
  key,
  outbox,
  events: [],
  onAudit: ({ when, caller }: Audit) => console.log(when.toISOString(), caller),
});
// @ts-expect-error the events are required
new StreamApi({ issuer, key, outbox });
// @ts-expect-error neither all nor none
new StreamApi({ issuer, key, outbox, events: [], defaultSubjects: 'SOME' });

// Who calls.
const acme: Caller = { receiver: 'acme', scopes: ['ssf.manage'], audience: ['https://acme.example.com'] };
// @ts-expect-error a caller has scopes
const nobody: Caller = { receiver: 'acme' };
const okta: TrustedIssuer = {
  issuer: 'https://acme.okta.com/oauth2/default',
  profile: 'okta',
  clients: { '0oa1': { receiver: 'acme', audience: 'https://acme.example.com' } },
};
new StreamApi({
  issuer,
  key,
  outbox,
  events: [],
  authenticator: { tokens: { [generateStaticToken().hash]: acme }, issuers: [okta] },
});

// Mounts.
export const fetch: FetchHandler = api.fetchHandler(() => acme);
api.fetchHandler(async (request) => (request.headers.get('authorization') === null ? null : acme));
api.fetchHandler();
api.fetchHandler(undefined, { onError: (error, { url }) => console.error(url, error) });
api.nodeHandler(undefined, { limitByAddress: true, onError: (error, { socket }) => console.error(socket, error) });
// @ts-expect-error only a server of node:http has addresses
api.fetchHandler(undefined, { limitByAddress: true });
// @ts-expect-error a string is no caller
api.fetchHandler(() => 'acme');
declare const request: IncomingMessage;
declare const response: ServerResponse;

export async function streams(): Promise<number> {
  const handle = api.nodeHandler(({ headers }) => (headers.authorization ? acme : undefined));
  await handle(request, response, (error) => error);
  const published: Published = await api.publish(caep.sessionRevoked(), { format: 'opaque', id: 'laptop-7' });
  await api.publish(caep.sessionRevoked(), undefined, { to: ['okta'], txn: 'incident-4711' });
  const stopped: boolean = await api.stopStream('f67e39a0', 'migration', 'disable');
  if (stopped) await api.resumeStream('f67e39a0', 'done');
  // @ts-expect-error a stream is paused or disabled
  await api.stopStream('f67e39a0', 'migration', 'halt');
  // @ts-expect-error a stream gets its events in order
  await api.publish(caep.sessionRevoked(), undefined, { ordered: false });
  return published.streams;
}

export { nobody };
