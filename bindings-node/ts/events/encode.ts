/** Events as they are sent: names and values by the catalogue's table, and the JSON text of it all. */

import { types } from 'node:util';

import { type Caller, errorOf, type Place } from '../errors.js';
import { jsonText, RawJson, refuseUnlessPlain, subjectText } from '../json.js';
import { isObject, suggestion, typeName } from '../options.js';
import { type CustomEvent, isCustom } from './custom.js';
import { EVENT_TABLE } from './table.js';
import type { CatalogueEvent, EventType, SsfEvent } from './union.js';

/** A text in one or more languages, by BCP 47 tag: `{ en: 'Laptop lost' }`. */
export type LocalizedText = Readonly<Record<string, string>>;

/** A point in time: a `Date`, or a number as it is sent. */
export type Moment = Date | number;

/** The place of events in a SET. */
const EVENTS = { pointer: () => '/events', outer: 1 };

/** What every event may carry. */
export interface CommonMembers {
  /** Members that the definition does not name, as they are sent; receivers ignore those they do not know. */
  readonly otherMembers?: Readonly<Record<string, unknown>> | undefined;
}

/** How an event is written. */
export interface EventEntry {
  readonly uri: string;
  /** Names in braces in the URI. */
  readonly parameters: readonly string[];
  /** The name on the wire, and what is there. */
  readonly members: Readonly<Record<string, readonly [name: string, type: string]>>;
}

/** For the factories: an event of the catalogue, whose members are known. */
export function made<E extends CatalogueEvent>(type: E['type'], members: Omit<E, 'type'>, factory: Caller): E {
  if (!isObject(members)) {
    const message = `the members of ${type} are an object, not ${typeName(members)}`;
    throw errorOf('SSF_EVENT_MEMBER_TYPE', message, factory, { pointer: '' });
  }
  checkNames(type, EVENT_TABLE[type] as EventEntry, members, factory);
  return { ...members, type } as unknown as E;
}

/** The event type URI of an event of the catalogue. */
export function eventUri(type: Exclude<EventType, 'govuk.event-details'>): string {
  return entryOf(type, eventUri).uri;
}

/** The JSON text of an event: `{ uri: members }`. */
export function eventJson(event: SsfEvent, at: Caller | Place): string {
  if (!isObject(event)) {
    const message = `expected an event, such as caep.sessionRevoked(), got ${typeName(event)}`;
    throw errorOf('SSF_EVENT_MISSING', message, at, { pointer: '/events' });
  }
  const [uri, members] = isCustom(event) ? custom(event, at) : catalogued(event as CatalogueEvent, at);
  return jsonText({ [uri]: members }, EVENTS, at);
}

function custom(event: CustomEvent, at: Caller | Place): [string, unknown] {
  if (typeof event.uri !== 'string') {
    const message = `the uri of an event is a string, not ${typeName(event.uri)}`;
    throw errorOf('SSF_EVENT_URI_INVALID', message, at, { pointer: '/events' });
  }
  return [event.uri, event.claims ?? {}];
}

function catalogued(event: CatalogueEvent, at: Caller | Place): [string, unknown] {
  const { type } = event;
  const entry = entryOf(type, at);
  const given = event as unknown as Record<string, unknown>;
  checkNames(type, entry, given, at);
  const uri = entry.parameters.reduce((text, name) => filled(text, name, given[name], at), entry.uri);
  const members: Record<string, unknown> = {};
  for (const name in entry.members) {
    const value = given[name];
    if (value === undefined) continue;
    const [wire, kind] = entry.members[name] as readonly [name: string, type: string];
    members[wire] = valueOnWire(value, kind, () => pointerTo(uri, wire), at);
  }
  const others = event.otherMembers;
  if (others !== undefined && !isObject(others)) {
    const message = `otherMembers is an object, not ${typeName(others)}`;
    throw errorOf('SSF_EVENT_MEMBER_TYPE', message, at, { pointer: pointerTo(uri, 'otherMembers') });
  }
  if (others !== undefined) {
    refuseUnlessPlain(others, { pointer: () => pointerTo(uri, 'otherMembers'), outer: 2 }, at);
  }
  // What a member of the definition says goes before what was set by name.
  return [uri, others === undefined ? members : { ...others, ...members }];
}

function entryOf(type: unknown, at: Caller | Place): EventEntry {
  if (typeof type === 'string' && Object.hasOwn(EVENT_TABLE, type)) return EVENT_TABLE[type] as EventEntry;
  const known = Object.keys(EVENT_TABLE);
  const hint = typeof type === 'string' ? suggestion(type, known) : '; set its type, such as caep.session-revoked';
  throw errorOf('SSF_EVENT_URI_INVALID', `not an event of the catalogue${hint}`, at, { pointer: '/events' });
}

function checkNames(type: string, entry: EventEntry, members: object, at: Caller | Place): void {
  for (const name of Object.keys(members)) {
    const known = Object.hasOwn(entry.members, name) || entry.parameters.includes(name);
    if (known || name === 'type' || name === 'otherMembers') continue;
    const names = [...entry.parameters, ...Object.keys(entry.members), 'otherMembers'];
    const message = `${type} has no member ${name}${suggestion(name, names)}`;
    throw errorOf('SSF_EVENT_MEMBER_VALUE', message, at, { pointer: pointerTo(entry.uri, name) });
  }
}

function filled(uri: string, name: string, value: unknown, at: Caller | Place): string {
  if (typeof value !== 'string') {
    const message = `${name}, part of the event type URI, must be a string, not ${typeName(value)}`;
    throw errorOf('SSF_EVENT_URI_INVALID', message, at, { pointer: pointerTo(uri, name) });
  }
  return uri.replace(/\{\w+\}/, () => value);
}

function valueOnWire(value: unknown, kind: string, pointer: () => string, at: Caller | Place): unknown {
  if (kind === 'subject') {
    const [text] = subjectText(value, { pointer, outer: 3 }, at);
    return new RawJson(text);
  }
  if (kind !== 'timestamp' && kind !== 'milliseconds') return value;
  const number = types.isDate(value) ? value.getTime() / (kind === 'timestamp' ? 1000 : 1) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  const message = `a time must be a valid Date or a number, not ${typeName(value)}`;
  throw errorOf('SSF_EVENT_MEMBER_TYPE', message, at, { pointer: pointer() });
}

function pointerTo(uri: string, member?: string): string {
  const step = (name: string) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return `/events${step(uri)}${member === undefined ? '' : step(member)}`;
}
