// tests/vectors/values.json: every value goes into a SET exactly, or is refused with its place.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { caep, customEvent, customSubject, lint, prepareSet, risc, SsfError } from 'ssf-transmitter';

const read = (name) => JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}`, import.meta.url), 'utf8'));
const TABLE = read('values.json');
const MANIFEST = read('manifest.json')['values.json'];
const URI = 'urn:example:event';
const PARTS = {
  issuer: 'https://transmitter.example.com',
  audience: 'https://receiver.example.net',
  algorithm: 'RS256',
};
const ADA = { format: 'email', email: 'ada@example.com' };

const lists = (depth) => {
  let inner = [];
  for (let level = 1; level < depth; level++) inner = [inner];
  return inner;
};
const circle = () => {
  const items = [];
  items.push(items);
  return items;
};
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

/** What stands for the rows of this language. */
const VALUES = {
  null: () => null,
  boolean: () => true,
  text: () => 'ü😀',
  'text-nul': () => 'a\0b',
  'text-half-surrogate': () => '\ud800',
  'name-half-surrogate': () => ({ '\ud800': 1 }),
  'name-symbol': () => ({ [Symbol('a')]: 1 }),
  'name-escaped': () => ({ 'a/b~': [Number.NaN] }),
  integer: () => 1,
  'integer-safe': () => Number.MAX_SAFE_INTEGER,
  'integer-beyond-safe': () => 2n ** 53n + 1n,
  'integer-beyond-safe-number': () => 2 ** 53,
  'integer-least': () => -(2n ** 63n),
  'integer-largest': () => 2n ** 64n - 1n,
  'integer-beyond': () => 2n ** 64n,
  'integer-serial': () => 2n ** 159n + 1n,
  float: () => 0.1,
  'float-17-digits': () => 0.1 + 0.2,
  'float-whole': () => 1.0,
  'float-2-60': () => 2 ** 60,
  'float-large': () => 1e300,
  'float-small': () => Number.MIN_VALUE,
  'float-negative-zero': () => -0,
  'float-nan': () => Number.NaN,
  'float-infinity': () => Number.POSITIVE_INFINITY,
  'float-minus-infinity': () => Number.NEGATIVE_INFINITY,
  'number-boxed': () => new Number(1),
  'text-boxed': () => new String('a'),
  'boolean-boxed': () => new Boolean(true),
  list: () => [1, 'a', null],
  'list-empty': () => [],
  // biome-ignore lint/suspicious/noSparseArray: that is the case
  'list-hole': () => [1, , 3],
  'list-undefined': () => [1, undefined],
  set: () => new Set([1, 2]),
  iterator: () => [1].values(),
  object: () => ({ a: 1, b: {} }),
  'object-empty': () => ({}),
  'object-without-prototype': () => Object.assign(Object.create(null), { a: 1 }),
  'object-other-realm': () => runInNewContext('({ a: [1] })'),
  'object-proxy': () => new Proxy({ a: 1 }, {}),
  'object-proxy-revoked': revoked,
  'object-undefined': () => ({ a: undefined }),
  'object-getter': () => ({
    get a() {
      throw new Error('no');
    },
  }),
  'object-to-json': () => ({ toJSON: () => 1 }),
  map: () => new Map([['a', 1]]),
  instance: () => new (class Item {})(),
  'instance-to-json': () => new URL('https://example.com'),
  subject: () => ({ email: 'ada@example.com', format: 'email' }),
  bytes: () => new Uint8Array([1]),
  'bytes-other': () => Buffer.from('a'),
  'bytes-view': () => new ArrayBuffer(1),
  date: () => new Date(),
  'date-invalid': () => new Date(Number.NaN),
  regexp: () => /a/,
  error: () => new Error('a'),
  function: () => () => 1,
  symbol: () => Symbol('a'),
  'undefined-in-object': () => ({ a: () => 1 }),
  deep: () => lists(63),
  'too-deep': () => lists(64),
  'far-too-deep': () => lists(1000),
  circle,
};

/** Where a value may stand: how it gets there, the text around it there, and a pointer to it. */
const PLACES = {
  event: {
    parts: (value) => ({ events: [customEvent({ uri: URI, claims: { value } })] }),
    around: ['{"value":', '}'],
    pointer: `/events/${URI}/value`,
  },
  subject: {
    parts: (value) => ({ subject: customSubject('own', { value }) }),
    around: ['{"value":', ',"format":"own"}'],
    pointer: '/value',
  },
  claim: { parts: (value) => ({ claims: { value } }), around: [',"value":', '}'], pointer: '/value' },
};

const build = (parts) => prepareSet({ ...PARTS, events: [risc.accountDisabled()], subject: ADA, ...parts });
const payloadOf = (set) => Buffer.from(`${Buffer.from(set.signingInput)}`.split('.')[1], 'base64url').toString();

function refused(work, code, pointer) {
  assert.throws(work, (error) => {
    assert.ok(error instanceof SsfError, error.stack);
    assert.deepEqual([error.code, error.pointer], [`SSF_${code.toUpperCase()}`, pointer]);
    return true;
  });
}

test('every value is sent exactly, or rejected with its place', async (t) => {
  assert.equal(TABLE.values.length, MANIFEST.values);
  const known = TABLE.values.filter(({ given }) => given.node !== undefined).map(({ id }) => id);
  assert.deepEqual(Object.keys(VALUES).sort(), known.sort());
  for (const { id, absent, outcome, except, places = Object.keys(PLACES) } of TABLE.values) {
    if (absent?.node !== undefined) continue;
    const { json, code, pointer: inside, findings = [] } = except?.node ?? outcome;
    for (const place of places) {
      const { parts, around, pointer } = PLACES[place];
      await t.test(`${id}: ${place}`, () => {
        if (code !== undefined) {
          refused(() => build(parts(VALUES[id]())), code, pointer + inside);
          return;
        }
        const set = build(parts(VALUES[id]()));
        assert.ok(payloadOf(set).includes(around.join(json)), payloadOf(set));
        const rules = set.findings.map(({ rule }) => rule).filter((rule) => rule === 'integer-too-large');
        assert.deepEqual(rules, findings);
      });
    }
  }
});

test('JSON texts are for other languages: here JSON.parse reads them', () => {
  assert.equal(TABLE.texts.length, MANIFEST.texts);
});

test('a value is looked at in every place that takes any', () => {
  const claims = { value: Number.NaN };
  const uri = 'https://schemas.openid.net/secevent/caep/event-type/token-claims-change';
  const pointer = `/events/${uri.replaceAll('/', '~1')}`;
  refused(() => build({ events: [caep.tokenClaimsChange({ claims })] }), 'value_not_json', `${pointer}/claims/value`);
  const others = { claims: { a: 1 }, otherMembers: { more: [new Date()] } };
  refused(() => build({ events: [caep.tokenClaimsChange(others)] }), 'value_not_json', `${pointer}/more/0`);
  const complex = { format: 'complex', user: ADA, device: customSubject('own', { value: 2 ** 64 }) };
  refused(() => build({ subject: complex }), 'number_not_exact', '/device/value');
  // What is spread into another object is looked at before, too.
  for (const members of [new Map([['id', 'x']]), { id: 'x', [Symbol('more')]: 1 }]) {
    refused(() => build({ subject: customSubject('own', members) }), 'value_not_json', '');
    const event = caep.tokenClaimsChange({ claims: { a: 1 }, otherMembers: members });
    refused(() => build({ events: [event] }), 'value_not_json', `${pointer}/otherMembers`);
  }
  // Lint never throws: there it is a finding.
  const [found] = lint({ event: customEvent({ uri: URI, claims }) });
  assert.deepEqual([found.rule, found.pointer], ['json-invalid', `/events/${URI}/value`]);
});

test('an unpaired surrogate is rejected in every string', () => {
  const half = 'a\udc00';
  for (const name of ['issuer', 'audience', 'txn', 'jti', 'kid']) {
    refused(() => build({ [name]: half }), 'text_not_unicode', `/${name}`);
  }
  refused(() => build({ audience: ['a', half] }), 'text_not_unicode', '/audience');
  refused(() => build({ events: [customEvent({ uri: `urn:${half}` })] }), 'text_not_unicode', '/events');
  const reason = caep.sessionRevoked({ reasonAdmin: { en: half } });
  const uri = 'https:~1~1schemas.openid.net~1secevent~1caep~1event-type~1session-revoked';
  refused(() => build({ events: [reason] }), 'text_not_unicode', `/events/${uri}/reason_admin/en`);
  refused(() => build({ subject: { format: 'opaque', id: half } }), 'text_not_unicode', '/id');
});

test('a value is read once, so that what is looked at is what is signed', () => {
  let reads = 0;
  const claims = {
    get value() {
      return ++reads === 1 ? 'first' : Number.NaN;
    },
  };
  const set = build({ events: [customEvent({ uri: URI, claims })] });
  assert.ok(payloadOf(set).includes('{"value":"first"}'));
});

test('what a member of the definition says goes before what was set by name', () => {
  const event = caep.sessionRevoked({ currentIp: '192.0.2.1', otherMembers: { current_ip: '192.0.2.2' } });
  assert.ok(payloadOf(build({ events: [event] })).includes('"current_ip":"192.0.2.1"'));
});
