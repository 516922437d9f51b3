/**
 * Converts the values of a caller to JSON text exactly, or fails with the place.
 *
 * `JSON.stringify` drops or changes what JSON does not have: `NaN` becomes `null`, a `Map` becomes `{}`, a function
 * disappears. The SET must contain exactly the given values, so each of these is rejected (`docs/values.md`).
 */

import type { SsfErrorCode } from './codes.js';
import { type Caller, errorOf, type Place } from './errors.js';

/** How deep objects and lists may be nested in a SET, counted from its claims; the core has the same limit. */
const MAX_DEPTH = 64;

/** A text that is JSON already. */
export class RawJson {
  constructor(readonly text: string) {}
}

/** Where in a SET a value is to stand. */
export interface Spot {
  /** A JSON pointer to it. */
  pointer(): string;
  /** How many objects stand around it. */
  readonly outer: number;
}

/** The JSON text of a value. */
export function jsonText(value: unknown, spot: Spot, at: Caller | Place): string {
  return written(new Writer(false), value, spot, at);
}

/** The JSON text of a subject, in which there may be custom ones, and whether there are. */
export function subjectText(value: unknown, spot: Spot, at: Caller | Place): [json: string, privateFormats: boolean] {
  const writer = new Writer(true);
  return [written(writer, value, spot, at), writer.privateFormats];
}

/** Whether a string is valid Unicode, without an unpaired surrogate. */
export const isUnicode = (text: string): boolean => !LONE_SURROGATE.test(text);

const LONE_SURROGATE = /\p{Surrogate}/u;
/** Text that JSON does not escape: no quotation mark, backslash, control character or surrogate. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

/** Why a value cannot be written, and the way to it, the innermost step first. */
class Refusal {
  readonly steps: (string | number)[] = [];

  constructor(
    readonly code: SsfErrorCode,
    readonly message: string,
    readonly cause?: unknown,
  ) {}

  static of(thrown: unknown): Refusal {
    if (thrown instanceof Refusal) return thrown;
    return new Refusal('SSF_VALUE_NOT_JSON', 'reading this value throws an error', thrown);
  }

  within(step: string | number): this {
    this.steps.push(step);
    return this;
  }
}

const notJson = (message: string): Refusal => new Refusal('SSF_VALUE_NOT_JSON', message);

function written(writer: Writer, value: unknown, spot: Spot, at: Caller | Place): string {
  return placed(() => writer.value(value, MAX_DEPTH - spot.outer), spot, at);
}

/** Refuses an object whose members a spread would not copy as they are: one of a class, or with names of another kind. */
export function refuseUnlessPlain(value: object, spot: Spot, at: Caller | Place): void {
  placed(() => checkPlain(value), spot, at);
}

function placed<T>(read: () => T, spot: Spot, at: Caller | Place): T {
  try {
    return read();
  } catch (thrown) {
    const { code, message, cause, steps } = Refusal.of(thrown);
    const inside = steps.reverse().map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`);
    throw errorOf(code, message, at, { pointer: spot.pointer() + inside.join(''), cause });
  }
}

class Writer {
  privateFormats = false;

  constructor(readonly subjects: boolean) {}

  value(value: unknown, room: number): string {
    switch (typeof value) {
      case 'string':
        return quoted(value);
      case 'number':
        return numeral(value);
      case 'bigint':
        return integer(value);
      case 'boolean':
        return value ? 'true' : 'false';
      case 'object':
        if (value === null) return 'null';
        if (value instanceof RawJson) return value.text;
        if (room === 0) throw new Refusal('SSF_VALUE_TOO_DEEP', 'the value is nested too deep');
        return Array.isArray(value) ? this.#list(value, room - 1) : this.#object(value, room - 1);
      default:
        throw notJson(`JSON has no ${typeof value}; omit the value, or pass null`);
    }
  }

  #list(items: readonly unknown[], room: number): string {
    let text = '';
    let index = 0;
    try {
      for (; index < items.length; index++) text += `${index === 0 ? '' : ','}${this.value(items[index], room)}`;
    } catch (thrown) {
      throw Refusal.of(thrown).within(index);
    }
    return `[${text}]`;
  }

  #object(given: object, room: number): string {
    checkPlain(given);
    const members = given as Record<string, unknown>;
    if (this.subjects && typeof members.customFormat === 'string' && isObjectLike(members.members)) {
      checkPlain(members.members);
      this.privateFormats = true;
      return this.#members({ ...members.members, format: members.customFormat }, room);
    }
    return this.#members(members, room);
  }

  #members(members: Record<string, unknown>, room: number): string {
    let text = '';
    for (const name of Object.keys(members)) {
      try {
        const value = members[name];
        // As everywhere in JavaScript, a member that is undefined is absent.
        if (value !== undefined) {
          text += `${text === '' ? '' : ','}${quoted(name)}:${this.value(value, room)}`;
        }
      } catch (thrown) {
        // A name that is not Unicode cannot be part of a pointer.
        throw isUnicode(name) ? Refusal.of(thrown).within(name) : thrown;
      }
    }
    return `{${text}}`;
  }
}

function quoted(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (isUnicode(text)) return JSON.stringify(text);
  throw new Refusal('SSF_TEXT_NOT_UNICODE', 'the string contains an unpaired surrogate');
}

function numeral(number: number): string {
  if (Number.isSafeInteger(number)) return Object.is(number, -0) ? '-0.0' : `${number}`;
  if (!Number.isFinite(number)) throw notJson(`JSON has no ${number}; omit the value, or pass null or a string`);
  const text = `${number}`;
  // JavaScript writes them as integers, and does not tell them from their neighbours.
  if (Number.isInteger(number) && !text.includes('e')) {
    const message = 'a JavaScript number is not exact beyond 2^53 - 1; pass a bigint or a string';
    throw new Refusal('SSF_NUMBER_NOT_EXACT', message);
  }
  return text;
}

function integer(value: bigint): string {
  if (BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value) return `${value}`;
  throw new Refusal('SSF_NUMBER_NOT_EXACT', 'the integer has more than 64 bits');
}

function checkPlain(value: object): void {
  if (!isPlain(value)) throw notJson(ofClass(value));
  if (Object.getOwnPropertySymbols(value).some((name) => Object.prototype.propertyIsEnumerable.call(value, name))) {
    throw notJson('a member name is a symbol; JSON names must be strings');
  }
}

/** Whether an object is one of members, and not of a class. The realm that it comes from does not matter. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

const isObjectLike = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** What to give instead of a class instance. */
const INSTEAD: Readonly<Record<string, string>> = {
  Date: 'seconds since 1970, or a string',
  Map: 'Object.fromEntries(map)',
  Set: 'an array',
  Number: 'the number itself',
  String: 'the string itself',
  Boolean: 'the boolean itself',
  BigInt: 'the bigint itself',
  ArrayBuffer: 'a string, such as base64',
};

function ofClass(value: object): string {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const instead = ArrayBuffer.isView(value)
    ? INSTEAD.ArrayBuffer
    : Object.hasOwn(INSTEAD, tag)
      ? INSTEAD[tag]
      : undefined;
  const name = instead === undefined ? 'a class instance' : `a ${tag}`;
  return `${name} has no single JSON form; pass ${instead ?? 'a plain object'}`;
}
