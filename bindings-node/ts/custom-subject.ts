/** Subjects on their way out, and those in private formats. */

import { type Caller, errorOf, type Place } from './errors.js';
import { subjectText } from './json.js';
import { isObject, typeName } from './options.js';
import type { Subject } from './subjects.js';

/** A subject in a private format that the parties agreed on (SSF 1.0 §3.4). */
export interface CustomSubject {
  /** The name of the format. */
  readonly customFormat: string;
  /** Its members, as they are sent. */
  readonly members: Readonly<Record<string, unknown>>;
}

/**
 * A subject in a private format that the parties agreed on (SSF 1.0 §3.4). Otherwise, a format outside the
 * specifications is an error, because it is usually a misspelling.
 *
 * @example
 * ```ts
 * const item = customSubject('catalog_item', { catalog_id: 'c0384/winter/2354122' });
 * ```
 */
export function customSubject(format: string, members: Readonly<Record<string, unknown>>): CustomSubject {
  return { customFormat: format, members };
}

/** The place of a subject in a SET. Places inside it are relative to the subject, as in the core. */
const SUBJECT = { pointer: () => '', outer: 1 };

/** The JSON text of a subject, and whether private formats are meant in it. */
export function subjectJson(
  subject: Subject | undefined,
  at: Caller | Place,
): [json: string | undefined, privateFormats: boolean] {
  if (subject === undefined) return [undefined, false];
  if (!isObject(subject)) {
    const message = `expected a subject, such as { format: 'email', email: '…' }, got ${typeName(subject)}`;
    throw errorOf('SSF_SUBJECT_MISSING', message, at, { pointer: '/sub_id' });
  }
  return subjectText(subject, SUBJECT, at);
}
