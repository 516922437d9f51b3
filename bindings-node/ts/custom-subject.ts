/** Subjects on their way out, and those in private formats. */

import { type Caller, errorOf, type Place } from './errors.js';
import { jsonText } from './events/encode.js';
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
 * A subject in a private format that the parties agreed on (SSF 1.0 §3.4). Without this a format that the
 * specifications do not know is an error, for it is mostly a misspelling.
 *
 * @example
 * ```ts
 * const item = customSubject('catalog_item', { catalog_id: 'c0384/winter/2354122' });
 * ```
 */
export function customSubject(format: string, members: Readonly<Record<string, unknown>>): CustomSubject {
  return { customFormat: format, members };
}

/** The JSON text of a subject, and whether private formats are meant in it. */
export function subjectJson(subject: Subject, at: Caller | Place): [json: string, privateFormats: boolean] {
  if (!isObject(subject)) {
    const message = `expected a subject, such as { format: 'email', email: '…' }, got ${typeName(subject)}`;
    throw errorOf('SSF_SUBJECT_MISSING', message, at, { pointer: '/sub_id' });
  }
  const json = jsonText(subject, () => '/sub_id', at);
  // What is no private format may still hold the word.
  if (!json.includes('"customFormat"')) return [json, false];
  return [jsonText(subjectOnWire(subject), () => '/sub_id', at), true];
}

/** A subject as it is sent, here and inside. */
export function subjectOnWire(subject: unknown): unknown {
  if (Array.isArray(subject)) return subject.map(subjectOnWire);
  if (!isObject(subject)) return subject;
  if (typeof subject.customFormat === 'string' && isObject(subject.members)) {
    return { ...subject.members, format: subject.customFormat };
  }
  return Object.fromEntries(Object.entries(subject).map(([name, value]) => [name, subjectOnWire(value)]));
}
