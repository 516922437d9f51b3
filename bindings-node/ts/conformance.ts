/**
 * Checks a transmitter against the conditions of the OpenID Foundation's conformance suite.
 *
 * @module
 */

import { native } from './native.js';
import { checked, checkedArgument, date, string } from './options.js';

/** One condition, and whether it is met. Its text contains no value of the SET. */
export interface Condition {
  /** A stable name, such as `set-typ`. */
  readonly id: string;
  /** The condition. */
  readonly demand: string;
  /** Whether it is met. */
  readonly holds: boolean;
}

/** The stream that SETs are checked against. */
export interface Stream {
  /** The `iss` of its configuration. */
  readonly issuer: string;
  /** The `aud` of its configuration. */
  readonly audience: string;
  /** Its id: the subject of its verification events. */
  readonly id?: string | undefined;
  /** The state that the receiver sent with its request for a verification. */
  readonly state?: string | undefined;
  /** The time; now by default. */
  readonly now?: Date | undefined;
}

const STREAM = { issuer: string, audience: string, id: string, state: string, now: date };

/** Checks a SET in compact form. */
export function checkSet(set: { toString(): string }, stream: Stream): Condition[] {
  const { now, id, state, issuer, audience } = checked(stream, STREAM, ['issuer', 'audience'], checkSet);
  return native.conformanceOfSet(`${set}`, { issuer, audience, id, state }, now?.getTime());
}

/** Checks the text of the transmitter configuration at `url`. */
export function checkConfiguration(document: string, url: string): Condition[] {
  checkedArgument('document', document, string, checkConfiguration);
  checkedArgument('url', url, string, checkConfiguration);
  return native.conformanceOfConfiguration(document, url);
}

/** Checks the answer of a token endpoint. */
export function checkToken(answer: string): Condition[] {
  checkedArgument('answer', answer, string, checkToken);
  return native.conformanceOfToken(answer);
}
