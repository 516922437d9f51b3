// All shared vectors, but those of machines that this package does not have (delivery.json, token.json), and those of
// okta.json that are not sent (see okta.test.mjs). setup-network.json is run by vectors-setup.test.mjs.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import {
  conformance,
  customEvent,
  customSubject,
  DecodedSet,
  Dialect,
  explain,
  lint,
  lintJwks,
  prepareSet,
  SignedSet,
  SigningKey,
  SsfError,
} from 'ssf-transmitter';
import { ERROR_CODES } from '../dist/codes.js';
import { EVENT_TABLE } from '../dist/events/table.js';

const FOLDER = new URL('../../tests/vectors/', import.meta.url);
const MANIFEST = read('manifest.json');
const ISSUER = 'https://transmitter.example.com';
const AUDIENCE = 'https://receiver.example.net';
const NOW = new Date(1_767_225_600_000);

function read(name) {
  // JavaScript does not tell 1.0 from 1; where it matters, in claims that are made into a text, it is put back.
  const json = readFileSync(new URL(name, FOLDER), 'utf8');
  return JSON.parse(name.startsWith('lint/') ? json.replace(/: (\d+\.0)(?=[,\s])/g, ': "written $1"') : json);
}

/** All files of a folder, which are those of the manifest. */
function folder(name) {
  const names = readdirSync(new URL(`${name}/`, FOLDER)).filter((file) => file.endsWith('.json'));
  const files = names.map((file) => read(`${name}/${file}`));
  assert.deepEqual(files.map(({ id }) => id).sort(), [...MANIFEST[name].ids].sort());
  assert.equal(files.length, MANIFEST[name].files);
  return files;
}

/** Runs every case, and tells of all that fail. */
async function every(cases, count, check) {
  assert.equal(cases.length, count, 'as many cases as the manifest says');
  const failures = [];
  for (const one of cases) {
    try {
      await check(one);
    } catch (error) {
      failures.push(`${one.name ?? one.id}: ${error.message}`);
    }
  }
  assert.equal(failures.length, 0, failures.slice(0, 20).join('\n'));
}

const moment = (seconds) => new Date(Math.round(seconds * 1000));
const dialect = (value) => (typeof value === 'string' ? Dialect.builtIn(value) : Dialect.fromToml(value.toml));
const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

function event(value) {
  const [[uri, claims]] = Object.entries(value);
  return customEvent({ uri, claims });
}

/** The arguments of the factory for the event, by the table; `null` if its claims do not match it. */
function typed(id, claims) {
  const { members, parameters } = EVENT_TABLE[id];
  if (parameters.length > 0) return null;
  const names = Object.fromEntries(Object.entries(members).map(([name, [wire]]) => [wire, name]));
  const given = { type: id };
  for (const [wire, value] of Object.entries(claims)) {
    if (Object.hasOwn(names, wire)) given[names[wire]] = value;
    else given.otherMembers = { ...given.otherMembers, [wire]: value };
  }
  return given;
}

function subject(value, isPrivate) {
  if (!isPrivate) return value;
  const { format, ...members } = value;
  return customSubject(format, members);
}

/** The SET that an `input` describes. */
function build(input, chosen, algorithm = 'RS256', kid = 'kid') {
  const known = 'issuer audience events subject private_subject txn toe jti issued_at claims'.split(' ');
  for (const name of Object.keys(input)) assert.ok(known.includes(name), name);
  return prepareSet({
    issuer: input.issuer,
    audience: input.audience,
    events: input.events.map(event),
    dialect: dialect(chosen),
    algorithm,
    kid,
    subject: input.subject && subject(input.subject, input.private_subject),
    txn: input.txn,
    jti: input.jti,
    claims: input.claims,
    toe: input.toe === undefined ? undefined : moment(input.toe),
    issuedAt: input.issued_at === undefined ? undefined : moment(input.issued_at),
  });
}

function plain(events, about, more = {}) {
  const parts = { issuer: ISSUER, audience: AUDIENCE, algorithm: 'RS256', kid: 'kid', ...more };
  return prepareSet({ ...parts, events, subject: about ?? undefined }).decode().claims;
}

async function refused(work, { code, pointer, says = [] }) {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof SsfError, error.stack);
    assert.deepEqual([error.code, error.pointer ?? null], [`SSF_${code.toUpperCase()}`, pointer]);
    for (const words of says) assert.ok(error.message.includes(words), error.message);
    return;
  }
  assert.fail(`not refused with ${code}`);
}

const SUBJECTLESS = ['oauth.client-credential-changed', 'oauth.client-disabled', 'oauth.client-enabled'];
const COMPANIONS = ['govuk.event-details', 'govuk.event-metadata', 'govuk.credential-change-information'];

/** Claims as sent: times in whole seconds, and the subjects inside OAuth events in their older form. */
function shaped({ id }, claims) {
  const shape = ([name, value]) => {
    if (typeof value === 'number') return [name, Math.floor(value)];
    if (name !== 'token_subject' || !id.startsWith('oauth.')) return [name, value];
    const renamed = Object.entries(value).map(([member, inner]) => [
      member === 'format' ? 'subject_type' : member,
      inner,
    ]);
    return [name, Object.fromEntries(renamed)];
  };
  return Object.fromEntries(Object.entries(claims).map(shape));
}

/** The dialect of the one receiver for a family of events, if it takes the event. */
function receiverOf(id) {
  if (id === 'govuk.credential-change-information') return 'govuk-app';
  if (/^login-gov\.(authorization|identity)-fraud-detected$/.test(id)) return 'login-gov';
  return { okta: 'okta', govuk: 'govuk-one-login' }[id.split('.')[0]];
}

const eachEvent = (kind) =>
  folder('events').flatMap((file) => file[kind].map((one) => ({ file, claims: one.claims, ...one })));

test('valid claims come out in the SET, from the wire and from the typed event', async () => {
  let typedOnes = 0;
  await every(eachEvent('valid'), MANIFEST.events.valid, ({ file, claims }) => {
    const forms = [event({ [file.uri]: claims }), typed(file.id, claims)].filter((form) => form !== null);
    for (const form of forms) {
      const set = plain([form], file.subject, { txn: file.txn });
      assert.deepEqual(set.sub_id, file.subject);
      const { subject: inner, ...members } = set.events[file.uri];
      const family = file.id.split('.')[0];
      const withSubject = ['login-gov', 'okta', 'govuk', 'oauth'].includes(family);
      assert.equal(inner !== undefined, withSubject && ![...COMPANIONS, ...SUBJECTLESS].includes(file.id));
      assert.deepEqual(members, shaped(file, claims));
    }
    typedOnes += forms.length - 1;
  });
  assert.ok(typedOnes > 170, `${typedOnes}`);
});

test('valid claims come out for the receiver that the event is made for', async () => {
  await every(eachEvent('valid'), MANIFEST.events.valid, ({ file, claims }) => {
    const id = receiverOf(file.id);
    if (id === undefined) return;
    const beside = COMPANIONS.includes(file.id) ? [{ type: 'risc.account-purged' }] : [];
    const events = [event({ [file.uri]: claims }), ...beside];
    const set = plain(events, file.subject, { dialect: id, txn: file.txn });
    assert.equal(set.sub_id, undefined);
    const { subject: inner, ...members } = set.events[file.uri];
    assert.equal(inner !== undefined, beside.length === 0);
    assert.deepEqual(members, shaped(file, claims));
  });
});

test('invalid claims are refused', async () => {
  await every(eachEvent('invalid'), MANIFEST.events.invalid, async ({ file, claims, code, pointer }) => {
    const set = (form) => () => plain([form], file.subject, { txn: file.txn });
    await refused(set(event({ [file.uri]: claims })), { code, pointer });
    const form = typed(file.id, claims);
    if (form !== null) await refused(set(form), { code, pointer });
  });
});

test('a printed SET is built as printed, or deviates as documented', async () => {
  const sets = folder('sets');
  assert.equal(sets.filter(({ deviation }) => deviation).length, MANIFEST.sets.deviations);
  await every(sets, MANIFEST.sets.files, async ({ input, dialect: chosen, claims, deviation }) => {
    if (deviation?.code !== undefined) {
      await refused(() => build(input, chosen), deviation);
    } else {
      assert.deepEqual(build(input, chosen).decode().claims, deviation?.claims ?? claims);
    }
  });
});

test('subjects', async (t) => {
  const { valid, invalid, shapes } = read('subjects.json');
  const some = [customEvent({ uri: 'urn:example:event' })];
  await t.test('a valid one goes into the SET unchanged', () =>
    every(valid, MANIFEST['subjects.json'].valid, (one) => {
      assert.deepEqual(plain(some, one.subject).sub_id, one.subject);
    }),
  );
  await t.test('an invalid one is refused', () =>
    every(invalid, MANIFEST['subjects.json'].invalid, async (one) => {
      const isObject = typeof one.subject === 'object' && one.subject !== null && !Array.isArray(one.subject);
      const pointer = `/sub_id${one.pointer ?? ''}`;
      if (isObject) return refused(() => plain(some, one.subject), { ...one, pointer });
      // Here the type says so, before there is any JSON.
      assert.equal(one.code, 'json_invalid');
      if (one.subject === null) return undefined;
      return refused(() => plain(some, one.subject), { code: 'configuration_invalid', pointer: '/subject' });
    }),
  );
  await t.test('a dialect gives it the form of its receiver', () =>
    every(shapes, MANIFEST['subjects.json'].shapes, async (one) => {
      const built = () => plain([event(one.event)], one.subject, { dialect: dialect(one.dialect) });
      if (one.code !== undefined) return refused(built, one);
      const claims = built();
      const [uri] = Object.keys(one.event);
      assert.deepEqual(claims.events[uri].subject ?? null, one.event_subject);
      return assert.deepEqual(claims.sub_id ?? null, one.sub_id);
    }),
  );
});

async function importKey({ pem, pem_base64, der_base64, jwk, jwks, password, kid, algorithm }) {
  const options = { password, ...(jwks === undefined && { kid }), algorithm };
  if (pem !== undefined) return SigningKey.fromPem(pem, options);
  if (pem_base64 !== undefined) return SigningKey.fromPem(Buffer.from(pem_base64, 'base64'), options);
  if (der_base64 !== undefined) return SigningKey.fromDer(Buffer.from(der_base64, 'base64'), options);
  if (jwk !== undefined) return SigningKey.fromJwk(jwk, { kid, algorithm });
  const key = kid === undefined ? await SigningKey.fromJwk(jwks) : await SigningKey.fromJwks(jwks, kid);
  return algorithm === undefined ? key : key.withAlgorithm(algorithm);
}

test('a key is imported or refused', async () => {
  const { cases } = read('keys.json');
  assert.equal(cases.filter(({ expect }) => expect).length, MANIFEST['keys.json'].imported);
  assert.equal(cases.filter(({ error }) => error).length, MANIFEST['keys.json'].refused);
  await every(cases, MANIFEST['keys.json'].cases, async ({ input, expect, error }) => {
    if (error !== undefined) return refused(() => importKey(input), error);
    const { algorithm, kid, thumbprint } = await importKey(input);
    const wanted = { algorithm: expect.algorithm, kid: expect.kid, thumbprint: expect.thumbprint };
    return assert.deepEqual({ algorithm, kid, thumbprint }, wanted);
  });
});

test('foreign keys of a published set are ignored, and damaged ones found', async () => {
  const { private_jwk, cases } = read('jwks.json');
  const key = await SigningKey.fromJwk(private_jwk);
  const uri = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
  const subject = { format: 'opaque', id: 'session-1' };
  const input = { issuer: ISSUER, audience: AUDIENCE, events: [{ [uri]: {} }], subject };
  const decoded = (await build(input, 'ssf-1.0', key.algorithm, key.kid).sign(key)).decode();
  await every(cases, MANIFEST['jwks.json'].cases, async ({ document, verifies, findings, error }) => {
    const found = lintJwks(document).map(({ rule, severity, pointer }) => ({ rule, severity, pointer }));
    assert.deepEqual(found, findings);
    if (error !== undefined) return refused(() => decoded.verify(document), error);
    if (verifies) return assert.equal((await decoded.verify(document)).kid, 'ours');
    return assert.rejects(decoded.verify(document), SsfError);
  });
});

test('signed SETs', async (t) => {
  const { verified, built, reproduced, refused: refusals } = read('signed.json');
  const counts = MANIFEST['signed.json'];
  await t.test('one of another implementation verifies', () =>
    every(verified, counts.verified, async ({ compact, header, claims, jwks, kid }) => {
      const signed = SignedSet.parse(compact);
      const decoded = signed.decode();
      assert.deepEqual([`${signed}`, signed.jti], [compact, claims.jti]);
      assert.deepEqual([decoded.header, decoded.claims], [header, claims]);
      assert.equal((await decoded.verify(jwks)).kid, kid);
    }),
  );
  await t.test('one of ours is signed byte for byte', () =>
    every(built, counts.built, async ({ private_jwk, algorithm, input, compact }) => {
      const key = await SigningKey.fromJwk(private_jwk, { algorithm });
      const signed = await build(input, 'ssf-1.0', key.algorithm, key.kid).sign(key);
      assert.equal(`${signed}`, compact);
    }),
  );
  await t.test('what needs the signature of mere bytes is not for this language: keys sign SETs', () =>
    every(reproduced, counts.reproduced, async ({ private_jwk, algorithm }) => {
      const key = await SigningKey.fromJwk(private_jwk, { algorithm });
      assert.equal('sign' in key, false);
    }),
  );
  await t.test('what is none, or not signed as it says, is refused', () =>
    every(refusals, counts.refused, ({ compact, jwks, code, pointer }) =>
      refused(() => DecodedSet.parse(compact).verify(jwks), { code, pointer }),
    ),
  );
});

test('the codes, kinds and retry classes are those of the list', () => {
  const { errors } = read('errors.json');
  assert.equal(errors.length, MANIFEST['errors.json'].errors);
  const own = Object.entries(ERROR_CODES).map(([code, { kind, retryable }]) => ({
    code: code.slice(4).toLowerCase(),
    kind,
    retryable,
  }));
  assert.deepEqual(own, errors);
});

function found({ dialect: chosen = 'ssf-1.0', now, issuer, audience, jwks, ...input }) {
  if (input.jwks_document !== undefined) return lintJwks(input.jwks_document);
  const time = now === undefined ? NOW : moment(now);
  const context = { dialect: dialect(chosen), now: time, issuer, audience, jwks };
  if (input.event !== undefined) return lint({ event: event(input.event), subject: input.subject }, context);
  if (input.text !== undefined) return lint(input.text, context);
  const written = (value) => JSON.stringify(value).replace(/"written ([\d.]+)"/g, '$1');
  const part = (value) => Buffer.from(written(value)).toString('base64url');
  return lint(`${part(input.header)}.${part(input.claims)}.${'A'.repeat(342)}`, context);
}

test('lint finds what breaks a rule, and nothing else', async () => {
  const files = folder('lint');
  const check = ({ input, findings }) => {
    const line = ({ rule, severity, pointer }) => `${rule} ${severity} ${pointer}`;
    const all = found(input);
    for (const { message, remedy } of all) assert.ok(message !== '' && remedy !== '');
    assert.deepEqual([...new Set(all.map(line))].sort(), findings.map(line).sort());
  };
  for (const kind of ['fails', 'passes']) {
    const cases = files.flatMap((file) => file[kind]);
    await every(cases, MANIFEST.lint[kind], check);
  }
});

test('an answer is explained', async () => {
  await every(read('explain.json').cases, MANIFEST['explain.json'].cases, (one) => {
    const context = {
      dialect: dialect(one.dialect),
      now: NOW,
      issuer: one.issuer,
      jwks: one.jwks,
      contentType: one.sent_as,
    };
    const explained = explain(one.text ?? '', one.answer, context);
    assert.deepEqual([explained.isDelivered, explained.reason], [one.delivered, one.reason]);
    assert.ok(explained.cause !== '' && explained.remedy !== '');
    for (const part of one.cause ?? []) assert.ok(explained.cause.includes(part), explained.cause);
    for (const part of one.possible ?? []) {
      assert.ok(
        explained.possible.some(({ cause }) => cause.includes(part)),
        part,
      );
    }
    for (const rule of one.findings ?? [])
      assert.ok(
        explained.findings.some((finding) => finding.rule === rule),
        rule,
      );
    if (one.said !== undefined) assert.equal(explained.said ?? null, one.said);
  });
});

test('the demands of the conformance suite', async () => {
  const { sets, configurations, tokens } = read('conformance.json');
  const counts = MANIFEST['conformance.json'];
  const failing = (conditions, { fails }) => {
    assert.ok(conditions.length > 0);
    const ids = conditions.filter(({ holds }) => !holds).map(({ id }) => id);
    assert.deepEqual([...new Set(ids)].sort(), [...fails].sort());
  };
  await every(sets, counts.sets, (one) => {
    const stream = { issuer: ISSUER, audience: AUDIENCE, id: one.id, state: one.state, now: NOW };
    failing(conformance.checkSet(one.text, stream), one);
  });
  await every(configurations, counts.configurations, (one) => {
    failing(conformance.checkConfiguration(text(one.document), one.url), one);
  });
  await every(tokens, counts.tokens, (one) => failing(conformance.checkToken(JSON.stringify(one.answer)), one));
});

test('every file of the manifest is run here, or named as for others', () => {
  const here = [
    'errors.json',
    'events',
    'jwks.json',
    'key-sources.json',
    'keys.json',
    'sets',
    'signed.json',
    'subjects.json',
  ];
  // The last ones in config.test.mjs, okta-log.test.mjs, vectors-settings.test.mjs, vectors-setup.test.mjs, surface.test.mjs, streams.test.mjs and vectors-values.test.mjs.
  const more = [
    ...['lint', 'explain.json', 'config.json', 'conformance.json', 'okta.json', 'okta-log.json'],
    ...['rotation.json', 'settings.json', 'setup-network.json', 'stream-api.json', 'surface.json', 'values.json'],
  ];
  const rust = ['access-tokens.json', 'command.json', 'delivery.json', 'token.json'];
  const wanted = [...here, ...more, ...rust].sort();
  assert.ok(isDeepStrictEqual(Object.keys(MANIFEST).sort(), wanted));
});
