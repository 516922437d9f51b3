/**
 * The stream API (OpenID SSF 1.0 §8): receivers create streams in your server, and poll or have their events pushed.
 *
 * `docs/transmitter.md` has the whole of it, and the security model.
 *
 * @example
 * ```ts
 * import { caep, SigningKey } from 'ssf-transmitter';
 * import { Outbox } from 'ssf-transmitter/outbox';
 * import { StreamApi } from 'ssf-transmitter/streams';
 *
 * const api = new StreamApi({
 *   issuer: 'https://tr.example.com',
 *   key: await SigningKey.generate(),
 *   outbox: Outbox.inMemory(),
 *   events: ['caep.session-revoked'],
 * });
 * const handle = api.fetchHandler((request) =>
 *   request.headers.get('authorization') === 'Bearer of-acme'
 *     ? { receiver: 'acme', scopes: 'ssf.manage', audience: 'https://acme.example.com' }
 *     : undefined,
 * );
 * const { streams } = await api.publish(caep.sessionRevoked(), { format: 'email', email: 'ada@example.com' });
 * ```
 *
 * @module
 */

import './bundled.js';

export {
  type AuthenticatorOptions,
  type ClientReceiver,
  generateStaticToken,
  type StaticToken,
  type TrustedIssuer,
} from './streams/access.js';
export {
  type MountOptions,
  type NodeHandlerOptions,
  type Published,
  type PublishOptions,
  StreamApi,
  type StreamHealth,
} from './streams/api.js';
export type { Audit } from './streams/audit.js';
export type { Caller } from './streams/caller.js';
export type { FetchHandler } from './streams/fetch.js';
export type { NodeHandler } from './streams/node.js';
export type { Stop, StreamApiOptions } from './streams/settings.js';
