/**
 * What the OpenID Foundation's conformance suite would say of a transmitter.
 *
 * @module
 */

import { native } from './native.js';
import { checked, checkedArgument, date, string } from './options.js';

/** One demand, and whether it holds. Its text holds no value of the SET. */
export interface Condition {
  /** A stable name, such as `set-typ`. */
  readonly id: string;
  /** What is demanded. */
  readonly demand: string;
  /** Whether it holds. */
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

/** What is demanded of a SET, in compact form. */
export function checkSet(set: { toString(): string }, stream: Stream): Condition[] {
  const { now, id, state, issuer, audience } = checked(stream, STREAM, ['issuer', 'audience'], checkSet);
  return native.conformanceOfSet(`${set}`, { issuer, audience, id, state }, now?.getTime());
}

/** What is demanded of the text of the transmitter configuration at `url`. */
export function checkConfiguration(document: string, url: string): Condition[] {
  checkedArgument('document', document, string, checkConfiguration);
  checkedArgument('url', url, string, checkConfiguration);
  return native.conformanceOfConfiguration(document, url);
}

/** What is demanded of the answer of a token endpoint. */
export function checkToken(answer: string): Condition[] {
  checkedArgument('answer', answer, string, checkToken);
  return native.conformanceOfToken(answer);
}
