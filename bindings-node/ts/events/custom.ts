/** Events that the catalogue does not know. */

/** An event of your own, or one of the catalogue with its members as they are sent. */
export interface CustomEvent {
  readonly type: 'custom';
  /** The event type URI. */
  readonly uri: string;
  /**
   * The members, as they are sent: strings, finite numbers, bigints of up to 64 bits, booleans, `null`, arrays and plain
   * objects. Anything else, such as a `Date` or `NaN`, is refused with its place.
   */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * An event that the catalogue does not know, or one of it with its members as they are sent; the latter is checked by
 * its definition nevertheless.
 *
 * @example
 * ```ts
 * const event = customEvent({ uri: 'https://edr.example.com/events/quarantine', claims: { host: 'laptop-7' } });
 * ```
 */
export function customEvent(event: Omit<CustomEvent, 'type'>): CustomEvent {
  return { ...event, type: 'custom' };
}

export function isCustom(event: object): event is CustomEvent {
  return (event as { type?: unknown }).type === 'custom';
}
