/** Who calls. */

import type { Place } from '../errors.js';
import type { NativeCaller } from '../native.js';
import { checked, string, stringOrStrings } from '../options.js';

/**
 * A receiver that has proved who it is. All streams belong to the receiver, whichever token it shows.
 *
 * @example
 * ```ts
 * const caller: Caller = { receiver: claims.client_id, scopes: claims.scope, audience: 'https://acme.example.com' };
 * ```
 */
export interface Caller {
  /** Your id of the receiver: a client id, a tenant. */
  readonly receiver: string;
  /**
   * What it may do, as a list or as a claim `scope` has it. `ssf.read` reads streams and polls, `ssf.manage` does everything;
   * others are ignored.
   */
  readonly scopes: string | readonly string[];
  /** The `aud` of the SETs in streams that it creates; by default, the id. */
  readonly audience?: string | readonly string[] | undefined;
  /** The id of the dialect that its streams speak, such as `apple` or one of the API's `dialects`; `ssf-1.0` by default. */
  readonly dialect?: string | undefined;
}

/** What a function that authenticates returns: nothing if the request has no valid credentials. */
export type Authenticated = Caller | null | undefined | Promise<Caller | null | undefined>;

const CALLER = { receiver: string, scopes: stringOrStrings, audience: stringOrStrings, dialect: string };

/** The caller as the native part takes it. */
export function callerOf(given: Caller, at: Place): NativeCaller {
  const { receiver, scopes, audience, dialect } = checked(given, CALLER, ['receiver', 'scopes'], at);
  return {
    receiver,
    scopes: typeof scopes === 'string' ? scopes.split(' ') : [...scopes],
    audience: audience === undefined || typeof audience === 'string' ? audience : [...audience],
    dialect,
  };
}
