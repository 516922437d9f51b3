/** Validates options: a misspelt name or a wrong type is an error with its place. */

import { types } from 'node:util';

import { isAbortSignal } from './abort.js';
import { type Caller, errorOf, type Place } from './errors.js';
import { isPlain, isUnicode } from './json.js';
import { native } from './native.js';

/** The type of an option: its name, and a check for a value. */
export interface Kind {
  readonly noun: string;
  is(value: unknown): boolean;
}

export const kind = (noun: string, is: (value: unknown) => boolean): Kind => ({ noun, is });
export const listOf = (one: Kind, noun: string): Kind =>
  kind(noun, (value) => Array.isArray(value) && value.every((item) => one.is(item)));

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isIterable = (value: unknown): boolean => typeof value === 'object' && value !== null && Symbol.iterator in value;

export const string = kind('a string', (value) => typeof value === 'string');
export const boolean = kind('a boolean', (value) => typeof value === 'boolean');
export const strings = listOf(string, 'an array of strings');
export const stringOrStrings = kind(
  'a string or an array of strings',
  (value) => string.is(value) || strings.is(value),
);
export const audience = stringOrStrings;
export const count = kind(
  'a whole number, one or more',
  (value) => Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) < 2 ** 32,
);
export const whole = kind('a whole number', Number.isSafeInteger);
export const positive = kind('a positive number', (value) => Number.isFinite(value) && (value as number) > 0);
export const span = kind(
  'a number of milliseconds, zero or more',
  (value) => Number.isFinite(value) && (value as number) >= 0,
);
export const date = kind('a valid Date', (value) => types.isDate(value) && Number.isFinite(value.getTime()));
export const func = kind('a function', (value) => typeof value === 'function');
export const signal = kind('an AbortSignal', isAbortSignal);
export const object = kind('an object', isObject);
/** Validated by another function. */
export const anything = kind('anything', () => true);
export const stringMap = kind(
  'an object of strings',
  (value) => isObject(value) && isPlain(value) && Object.values(value).every(string.is),
);
export const iterable = kind('an iterable of pairs of strings', isIterable);
/** What such an iterable gives. */
export const stringPairs = listOf(
  kind('a pair of strings', (value) => strings.is(value) && (value as string[]).length === 2),
  iterable.noun,
);
/** Whose items another function validates. */
export const iterableOf = (noun: string): Kind => kind(`an iterable of ${noun}`, isIterable);
export const list = kind('an array', Array.isArray);
export const uint8Array = kind('a Uint8Array', types.isUint8Array);
export const bytes = kind('a string or a Uint8Array', (value) => string.is(value) || types.isUint8Array(value));
export const byteLists = kind(
  'a string, a Uint8Array, or an array of them',
  (value) => bytes.is(value) || (Array.isArray(value) && value.every((item) => bytes.is(item))),
);
export const instance = (type: { readonly prototype: object }, noun: string): Kind =>
  kind(noun, (value) => value instanceof (type as unknown as abstract new () => object));
export const oneOf = (...names: string[]): Kind =>
  kind(`one of ${names.join(', ')}`, (value) => names.includes(value as string));
export const either = (...kinds: Kind[]): Kind =>
  kind(kinds.map((one) => one.noun).join(' or '), (value) => kinds.some((one) => one.is(value)));

/** The options that a function takes, by name. */
export type Known<T> = Readonly<Record<keyof T & string, Kind>>;

/**
 * Validates and returns `options`: each is known, and has the right type or is absent; `required` ones are present.
 */
export function checked<T extends object>(
  options: T,
  known: Known<T>,
  required: readonly (keyof T & string)[],
  at: Caller | Place,
): T {
  if (!isObject(options)) throw wrong('the options', 'an object', options, '', at);
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name)) throw unknown(name, Object.keys(known), at);
    const value = options[name];
    const { is, noun } = known[name as keyof T & string];
    if (value === undefined) continue;
    if (!is(value)) throw wrong(name, noun, value, `/${name}`, at);
    if (!isText(value)) throw notUnicode(name, at);
  }
  for (const name of required) {
    if ((options as T)[name] === undefined) {
      const message = `${name} is missing: expected ${known[name].noun}`;
      throw errorOf('SSF_CONFIGURATION_INVALID', message, at, { pointer: `/${name}` });
    }
  }
  return options as T;
}

/** Validates and returns a single argument. */
export function checkedArgument<T>(name: string, value: T, kind: Kind, at: Caller | Place): T {
  if (!kind.is(value)) throw wrong(name, kind.noun, value, `/${name}`, at);
  if (!isText(value)) throw notUnicode(name, at);
  return value;
}

/** A suggestion for an unknown name, as the end of a sentence. */
export function suggestion(name: string, known: string[]): string {
  const near = native.nearest(name, known);
  return near === null ? `; known are ${known.join(', ')}` : `; did you mean ${near}?`;
}

function unknown(name: string, known: string[], at: Caller | Place) {
  const message = `there is no option ${name}${suggestion(name, known)}`;
  return errorOf('SSF_CONFIGURATION_INVALID', message, at, { pointer: `/${name}` });
}

/** Whether a string, or each one in a list, reaches the core unchanged: an unpaired surrogate becomes U+FFFD. */
function isText(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isText);
  return typeof value !== 'string' || isUnicode(value);
}

function notUnicode(name: string, at: Caller | Place) {
  return errorOf('SSF_TEXT_NOT_UNICODE', `${name} contains an unpaired surrogate`, at, { pointer: `/${name}` });
}

/** Names the type of what was given, and never the value: it may be a secret. */
function wrong(name: string, noun: string, value: unknown, pointer: string, at: Caller | Place) {
  const given = noun.split(' or ').includes(nounOf(value))
    ? `${nounOf(value)} of another copy of ssf-transmitter`
    : typeName(value);
  const message = `${name}: expected ${noun}, got ${given}`;
  return errorOf('SSF_CONFIGURATION_INVALID', message, at, pointer === '' ? {} : { pointer });
}

/** A value by its class: tests that load the package again have instances of two classes of one name. */
function nounOf(value: unknown): string {
  const name = String(Object(value).constructor?.name);
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}

/** What a value is, in a word or two. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'NaN';
  if (typeof value === 'object') return 'another kind of object';
  return value === undefined ? 'undefined' : `a ${typeof value}`;
}
