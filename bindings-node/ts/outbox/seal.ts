/** The encryption of what entries say. */

import { types } from 'node:util';

import { errorOf, unwrap } from '../errors.js';
import { type NativeSeal, native } from '../native.js';
import { checked, iterableOf, typeName, uint8Array } from '../options.js';

/** The settings of a {@link Seal}. */
export interface SealOptions {
  /** 32 bytes to index by. They identify subjects and the keys of entries, and never change. */
  readonly indexKey: Uint8Array;
  /**
   * The keys with 32 bytes each by their ids, of which the first one seals: a `Map`, or an array of pairs. The ids are stored in
   * clear.
   */
  readonly keys: Iterable<readonly [id: string, key: Uint8Array]>;
}

const OPTIONS = { indexKey: uint8Array, keys: iterableOf('pairs of an id and a Uint8Array') };

/**
 * Encrypts events, subjects and claims with AES-256-GCM before they are stored.
 *
 * To rotate, put the new key first, and keep the old ones for as long as entries with them are kept.
 *
 * @example
 * ```ts
 * const seal = new Seal({ indexKey, keys: [['2026-11', newKey], ['2026-10', oldKey]] });
 * const outbox = new Outbox('/var/lib/edr/outbox.db', { seal });
 * ```
 */
export class Seal {
  readonly #native: NativeSeal;

  /**
   * Checks the keys.
   *
   * @throws {ConfigError} If a key has another length, or an id is empty or longer than 255 bytes.
   */
  constructor(options: SealOptions) {
    const { indexKey, keys } = checked(options, OPTIONS, ['indexKey', 'keys'], Seal);
    const pairs = [...keys];
    for (const pair of pairs) {
      if (Array.isArray(pair) && typeof pair[0] === 'string' && types.isUint8Array(pair[1])) continue;
      const message = `keys: expected pairs of an id and a Uint8Array, got ${typeName(pair)}`;
      throw errorOf('SSF_CONFIGURATION_INVALID', message, Seal, { pointer: '/keys' });
    }
    const [ids, bytes] = [pairs.map(([id]) => id), pairs.map(([, key]) => key)];
    this.#native = unwrap(native.Seal.build(indexKey, ids, bytes), Seal);
  }

  /** @internal */
  static handle(seal: Seal): NativeSeal {
    return seal.#native;
  }
}
