// The outbox: what it accepts, what it tells, what it refuses.

import assert from 'node:assert/strict';
import { chmod, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { ConfigError, caep, OutboxError, Receiver, SsfError, ValidationError } from 'ssf-transmitter';
import { entryJson, Outbox, Seal, Worker } from 'ssf-transmitter/outbox';
import { ADA, folder, ISSUER, pair } from './setup.mjs';

const EVENT = caep.sessionRevoked();
const BOB = { format: 'email', email: 'bob@example.com' };
const REFUSED = { status: { status: 400, err: 'invalid_request', description: 'about ada@example.com, softly' } };
const first = (fault) => ({ rules: [{ nth: 1, fault }] });

/** An outbox on the disk, which is closed when the test ends. */
function onDisk(t, options) {
  const path = join(folder(t), 'outbox.db');
  const outbox = new Outbox(path, options);
  t.after(() => outbox.close());
  return { path, outbox };
}

test('an event is delivered as it was accepted', async (t) => {
  const { key, emulator, transmitter, to } = await pair(t);
  const { path, outbox } = onDisk(t);
  const { jtis, repeated } = await outbox.enqueue(EVENT, ADA, { to: ['acme', 'globex'], txn: 'incident-4711' });
  assert.deepEqual([jtis.length, repeated], [2, false]);
  await outbox.close();

  // Another process would open it like this.
  await using(new Outbox(path), async (outbox) => {
    const worker = new Worker(outbox, transmitter, { receivers: { acme: to, globex: to } });
    assert.deepEqual(await worker.drain(), { delivered: 2, failed: 0 });
    const { enqueued, delivered, waiting } = await outbox.counts();
    assert.deepEqual([enqueued, delivered, waiting], [2, 2, 0]);
    assert.deepEqual(Object.keys(emulator.accepted).sort(), [...jtis].sort());
    for (const claims of emulator.received) {
      const { delivery, attempts } = await outbox.history(claims.jti);
      assert.equal(claims.txn, 'incident-4711');
      assert.deepEqual(claims.sub_id, ADA);
      assert.equal(claims.iat, Math.floor(delivery.enqueuedAt.getTime() / 1000));
      assert.deepEqual([delivery.state, delivery.event, delivery.attempts], ['delivered', EVENT.type, 1]);
      assert.equal(attempts.length, 1);
      const [{ at, duration, kid, status, failure }] = attempts;
      assert.deepEqual([kid, status, failure], [key.kid, 202, undefined]);
      assert.ok(at >= delivery.enqueuedAt && duration >= 0);
    }
    assert.equal(await outbox.history('unknown'), undefined);
    assert.deepEqual(await outbox.check(), []);
  });
});

/** What `await using` does, which Node 20 does not have. */
async function using(resource, work) {
  try {
    await work(resource);
  } finally {
    await resource[Symbol.asyncDispose]();
  }
}

test('an event that is rejected is dead, with the reason and the remedy, and can be replayed', async (t) => {
  const { transmitter, to } = await pair(t, { emulator: { script: first(REFUSED) } });
  const outbox = Outbox.inMemory();
  const [jti] = (await outbox.enqueue(EVENT, ADA, { to: 'acme' })).jtis;
  const work = () => new Worker(outbox, transmitter, { receivers: { acme: to } }).drain();
  assert.deepEqual(await work(), { delivered: 0, failed: 1 });

  const [dead] = await outbox.list({ state: 'dead' });
  assert.deepEqual([dead.jti, dead.receiver, dead.event, dead.attempts], [jti, 'acme', 'caep.session-revoked', 1]);
  assert.ok(dead.endedAt instanceof Date);
  const { code, message, remedy, status, receiverError, receiverDescription } = dead.failure;
  assert.deepEqual([code, status, receiverError], ['SSF_RECEIVER_REJECTED', 400, 'invalid_request']);
  assert.equal(receiverDescription, 'about [redacted], softly');
  assert.ok(message !== '' && remedy !== '');
  const shown = inspect([dead, await outbox.history(jti), await outbox.receivers(), outbox], { depth: 9 });
  assert.doesNotMatch(shown + JSON.stringify(dead), /softly|ada@/);

  assert.equal(await outbox.replay({ code: 'SSF_RECEIVER_REJECTED', dryRun: true }), 1);
  assert.equal(await outbox.replay({ code: 'SSF_RECEIVER_THROTTLED' }), 0);
  assert.equal(await outbox.replay({ receiver: 'globex' }), 0);
  assert.equal((await outbox.counts()).dead, 1);
  assert.equal(await outbox.replay({ jti }), 1);
  assert.deepEqual(await work(), { delivered: 1, failed: 0 });

  assert.equal(await outbox.replay({ state: ['delivered', 'dead'], freshJti: true }), 1);
  assert.equal(await outbox.discard({ subject: ADA, dryRun: true }), 1);
  assert.equal(await outbox.discard({ subject: BOB }), 0);
  assert.equal(await outbox.discard({ subject: ADA }), 1);
  const [removed] = await outbox.list({ state: 'discarded' });
  assert.deepEqual([removed.discard, removed.supersededBy], ['removed', undefined]);
  assert.notEqual(removed.jti, jti);
  assert.equal(await outbox.prune({ delivered: 0, discarded: 0 }), 2);
  assert.deepEqual(await outbox.list(), []);
  const { enqueued, delivered, removed: discarded } = await outbox.counts();
  assert.deepEqual([enqueued, delivered, discarded], [2, 1, 1]);
});

test('a receiver is held until it is released', async (t) => {
  const { transmitter, to } = await pair(t);
  const { outbox } = onDisk(t);
  const work = () => new Worker(outbox, transmitter, { receivers: { acme: to, globex: to } }).drain();
  await outbox.hold('acme');
  await outbox.enqueue(EVENT, ADA, { to: ['acme', 'globex'] });
  assert.deepEqual(await work(), { delivered: 1, failed: 0 });
  const [acme, globex] = await outbox.receivers();
  assert.deepEqual([acme.name, acme.status, acme.waiting, globex.status], ['acme', 'held', 1, 'active']);
  assert.ok(acme.since instanceof Date && acme.oldestWaiting instanceof Date && globex.deliveredAt instanceof Date);
  await outbox.release('acme');
  assert.deepEqual(await work(), { delivered: 1, failed: 0 });
  assert.deepEqual(
    (await outbox.receivers({ after: 'acme', limit: 1 })).map(({ name }) => name),
    ['globex'],
  );
});

test('the options of an entry', async (t) => {
  const { outbox } = onDisk(t);
  const once = { to: 'acme', idempotencyKey: '1', jti: 'mine' };
  assert.deepEqual(await outbox.enqueue(EVENT, ADA, once), { jtis: ['mine'], repeated: false, findings: [] });
  assert.deepEqual(await outbox.enqueue(EVENT, ADA, once), { jtis: ['mine'], repeated: true, findings: [] });
  await assert.rejects(outbox.enqueue(EVENT, BOB, once), { code: 'SSF_OUTBOX_CONFLICT' });

  const soon = new Date(Date.now() + 3_600_000);
  const [older, newer, ordered] = await outbox.enqueueMany([
    { event: EVENT, subject: ADA, to: 'acme', supersedes: 'risk', priority: 'low' },
    {
      event: { type: 'caep.session-revoked' },
      subject: ADA,
      to: 'acme',
      supersedes: 'risk',
      priority: 'high',
      notBefore: soon,
      maxAge: 2 * 86_400_000,
    },
    { event: EVENT, subject: ADA, to: 'acme', ordered: true, toe: soon, txn: 't', companions: [EVENT] },
  ]);
  const [superseded] = await outbox.list({ state: 'discarded' });
  assert.deepEqual([superseded.jti, superseded.discard], [older.jtis[0], 'superseded']);
  assert.equal(superseded.supersededBy, newer.jtis[0]);
  const [waiting] = await outbox.list({ jti: newer.jtis });
  assert.equal(waiting.priority, 'high');
  assert.deepEqual(waiting.dueAt, soon);
  assert.equal(waiting.expiresAt - soon, 2 * 86_400_000);

  const all = await outbox.list();
  const [page] = await outbox.list({ limit: 1 });
  assert.deepEqual([page, ...(await outbox.list({ after: page }))], all);
  // A page may go to a browser and back.
  const { jti, enqueuedAt } = JSON.parse(JSON.stringify(page));
  assert.deepEqual(await outbox.list({ after: { jti, enqueuedAt: new Date(enqueuedAt) } }), all.slice(1));
  assert.deepEqual(await outbox.list({ until: all[0].enqueuedAt }), []);
  assert.equal((await outbox.list({ since: all[0].enqueuedAt, event: 'caep.session-revoked' })).length, all.length);
  assert.ok(all.some(({ jti }) => jti === ordered.jtis[0]));
});

test('nothing is sent before its time', async (t) => {
  const { emulator, transmitter, to } = await pair(t);
  const outbox = Outbox.inMemory();
  await outbox.enqueue(EVENT, ADA, { to: 'acme', notBefore: new Date(Date.now() + 86_400_000) });
  await outbox.enqueue(EVENT, BOB, { to: 'acme', notBefore: new Date(0) });
  assert.deepEqual(await new Worker(outbox, transmitter, { receivers: { acme: to } }).drain(), {
    delivered: 1,
    failed: 0,
  });
  assert.deepEqual(emulator.received[0].sub_id, BOB);
  assert.equal((await outbox.counts()).waiting, 1);
});

test('private subjects, exact numbers, and every text arrive as they were given', async (t) => {
  const { emulator, transmitter, to } = await pair(t);
  const { outbox } = onDisk(t);
  const subject = { customFormat: 'catalog_item', members: { catalog_id: 'a\n"b"\u2028' } };
  const event = caep.sessionRevoked({ otherMembers: { big: 2n ** 63n, small: 0.1, text: '\r\n\0' } });
  await outbox.enqueue(event, subject, { to: 'a\nb', txn: '\n' });
  await new Worker(outbox, transmitter, { receivers: new Map([['a\nb', to]]) }).drain();
  const [claims] = emulator.received;
  const [members] = Object.values(claims.events);
  assert.deepEqual(claims.sub_id, { format: 'catalog_item', catalog_id: 'a\n"b"\u2028' });
  assert.deepEqual([members.small, members.text, claims.txn], [0.1, '\r\n\0', '\n']);
  assert.equal(members.big, 2 ** 63);
  assert.equal((await outbox.list({ subject })).length, 1);
});

test('what is wrong with an entry is said, and nothing is stored', async () => {
  const outbox = Outbox.inMemory();
  const good = { event: EVENT, subject: ADA, to: 'acme' };
  const nobody = { format: 'email', email: 'nobody' };
  await assert.rejects(outbox.enqueue(EVENT, nobody, { to: 'acme' }), (error) => {
    assert.ok(error instanceof ValidationError);
    assert.deepEqual([error.code, error.pointer], ['SSF_SUBJECT_MEMBER_VALUE', '/sub_id/email']);
    assert.doesNotMatch(inspect(error), /nobody/);
    return true;
  });
  for (const [entries, code, pointer] of [
    [[good, { ...good, subject: nobody }], 'SSF_SUBJECT_MEMBER_VALUE', '/1/sub_id/email'],
    [[good, { ...good, event: { type: 'caep.session-revokd' } }], 'SSF_EVENT_URI_INVALID', '/1/events'],
    [[{ ...good, subject: { ...ADA, email: Number.NaN } }], 'SSF_VALUE_NOT_JSON', '/0/email'],
    [[good, good, { ...good, tos: 'x' }], 'SSF_CONFIGURATION_INVALID', '/2/tos'],
    [[{ event: EVENT, subject: ADA }], 'SSF_CONFIGURATION_INVALID', '/0/to'],
    [[good, undefined], 'SSF_CONFIGURATION_INVALID', '/1'],
    [[good, { ...good, to: [] }], 'SSF_OUTBOX_ENTRY_INVALID', '/1'],
    [[{ ...good, to: ['a', 'a'] }], 'SSF_OUTBOX_ENTRY_INVALID', '/0'],
    [[{ ...good, maxAge: 15 * 86_400_000 }], 'SSF_OUTBOX_ENTRY_INVALID', '/0'],
    [[{ ...good, jti: 'x', to: ['a', 'b'] }], 'SSF_OUTBOX_ENTRY_INVALID', '/0'],
    [[{ ...good, subject: undefined, ordered: true }], 'SSF_OUTBOX_ENTRY_INVALID', '/0'],
    [[{ ...good, priority: 'urgent' }], 'SSF_CONFIGURATION_INVALID', '/0/priority'],
    [[{ ...good, toe: 7 }], 'SSF_CONFIGURATION_INVALID', '/0/toe'],
    [[{ ...good, txn: '\ud800' }], 'SSF_TEXT_NOT_UNICODE', '/0/txn'],
    // Other threads read them, in parts.
    [
      Array(200)
        .fill(good)
        .with(70, { ...good, to: [] })
        .with(150, { ...good, to: ['a', 'a'] }),
      'SSF_OUTBOX_ENTRY_INVALID',
      '/70',
    ],
  ]) {
    await assert.rejects(outbox.enqueueMany(entries), (error) => {
      assert.ok(error instanceof SsfError, inspect(error));
      assert.deepEqual([error.code, error.pointer], [code, pointer], error.message);
      return true;
    });
  }
  for (const [call, pointer] of [
    [() => outbox.enqueueMany(7), '/entries'],
    [() => outbox.enqueue(EVENT, ADA, { to: 'acme', idempotencykey: '1' }), '/idempotencykey'],
    [() => outbox.list({ state: 'lost' }), '/state'],
    [() => outbox.list({ after: {} }), '/jti'],
    [() => outbox.list({ limit: 0 }), '/limit'],
    [() => outbox.discard({ state: 'dead' }), '/state'],
    [() => outbox.replay({ since: 'yesterday' }), '/since'],
    [() => outbox.prune({ dead: -1 }), '/dead'],
    [() => outbox.hold(), '/receiver'],
    [() => outbox.history(7), '/jti'],
    [() => outbox.backup(), '/target'],
    [() => outbox.enqueueJson('{}'), '/texts'],
    [() => outbox.enqueueJson([7]), '/texts'],
    [async () => entryJson(EVENT, ADA, {}), '/to'],
    [async () => entryJson(EVENT, ADA, { to: 'acme', tos: 'x' }), '/tos'],
    [async () => new Outbox('x', { issuer: 7 }), '/issuer'],
    [async () => Outbox.inMemory({ issuer: ISSUER, receivers: { acme: 'https://acme.okta.com' } }), '/receivers'],
    [async () => new Outbox(), '/place'],
    [async () => new Outbox('x', { seals: 1 }), '/seals'],
    [async () => Outbox.inMemory({ capacity: 1.5 }), '/capacity'],
    [async () => Outbox.salvage({}), '/path'],
  ]) {
    await assert.rejects(call(), (error) => {
      assert.ok(error instanceof ConfigError, inspect(error));
      assert.deepEqual([error.code, error.pointer], ['SSF_CONFIGURATION_INVALID', pointer], error.message);
      return true;
    });
  }
  assert.equal((await outbox.counts()).enqueued, 0);
});

const KNOWN = { acme: Receiver.okta('https://acme.okta.com') };

test('what a known receiver would reject is not accepted', async (t) => {
  const { outbox } = onDisk(t, { issuer: ISSUER, receivers: KNOWN });
  const entries = ['globex', 'acme'].map((to) => ({ event: EVENT, subject: ADA, to }));
  await assert.rejects(outbox.enqueueMany(entries), (error) => {
    assert.ok(error instanceof ValidationError, inspect(error));
    assert.equal(error.code, 'SSF_EVENT_MEMBER_MISSING');
    assert.match(error.pointer, /^\/1\/events\//);
    return true;
  });
  assert.equal((await outbox.counts()).enqueued, 0);
  assert.deepEqual((await outbox.enqueue(EVENT, ADA, { to: 'globex' })).findings, []);
});

test('warnings of known receivers are returned', async () => {
  // Okta's guide has a time in milliseconds.
  const event = caep.sessionRevoked({
    reasonAdmin: { en: 'Landspeed Policy Violation: C076E82F' },
    otherMembers: { event_timestamp: 1615304991643 },
  });
  const outbox = Outbox.inMemory({ issuer: ISSUER, receivers: new Map(Object.entries(KNOWN)) });
  const { findings } = await outbox.enqueue(event, ADA, { to: 'acme' });
  assert.deepEqual(
    findings.map(({ rule, code }) => [rule, code.startsWith('SSF_')]),
    [['timestamp-unit-disputed', true]],
  );
  const [one, two] = await outbox.enqueueMany(['globex', 'acme'].map((to) => ({ event, subject: ADA, to })));
  assert.deepEqual([one.findings, two.findings], [[], findings]);
});

test('an issuer needs receivers, and receivers an issuer', () => {
  for (const options of [{ issuer: ISSUER }, { receivers: KNOWN }]) {
    assert.throws(() => Outbox.inMemory(options), { name: 'ConfigError', message: /set both, or neither/ });
  }
});

test('entries that the host has kept as text are accepted once', async (t) => {
  const { emulator, transmitter, to } = await pair(t);
  const { outbox } = onDisk(t);
  const texts = [ADA, BOB].map((subject) =>
    entryJson(EVENT, subject, { to: ['acme', 'globex'], txn: 'incident-4711' }),
  );
  const first = await outbox.enqueueJson(texts);
  assert.deepEqual(
    first.map(({ jtis, repeated }) => [jtis.length, repeated]),
    [
      [2, false],
      [2, false],
    ],
  );
  // The relay has crashed before it deleted the rows.
  assert.deepEqual(
    await outbox.enqueueJson(new Set(texts)),
    first.map((one) => ({ ...one, repeated: true })),
  );
  await new Worker(outbox, transmitter, { receivers: { acme: to, globex: to } }).drain();
  assert.deepEqual(
    emulator.received.map(({ txn }) => txn),
    Array(4).fill('incident-4711'),
  );

  for (const bad of ['not JSON about ada@example.com', '{}', texts[0].replace('"version":1', '"version":2')]) {
    await assert.rejects(outbox.enqueueJson([texts[0], bad]), (error) => {
      assert.deepEqual([error.code, error.pointer], ['SSF_OUTBOX_ENTRY_INVALID', '/1'], error.message);
      assert.doesNotMatch(inspect(error), /ada@/);
      return true;
    });
  }
  assert.throws(() => entryJson(EVENT, { format: 'email', email: 'nobody' }, { to: 'acme' }), {
    code: 'SSF_SUBJECT_MEMBER_VALUE',
    pointer: '/sub_id/email',
  });
  assert.throws(() => entryJson(EVENT, ADA, { to: [] }), { code: 'SSF_OUTBOX_ENTRY_INVALID' });
});

test('the health is told', async (t) => {
  const { transmitter, to } = await pair(t);
  const { outbox } = onDisk(t);
  assert.equal((await outbox.health()).oldestWaiting, undefined);
  await outbox.enqueue(EVENT, ADA, { to: 'acme' });
  const [{ enqueuedAt }] = await outbox.list();
  const health = await outbox.health();
  assert.deepEqual(health.oldestWaiting, enqueuedAt);
  assert.deepEqual([health.deliveredInLastMinute, health.paused], [0, 0]);
  assert.ok(health.fileBytes > 0 && health.logBytes >= 0);
  await new Worker(outbox, transmitter, { receivers: { acme: to } }).drain();
  assert.equal((await outbox.health()).deliveredInLastMinute, 1);
  assert.deepEqual(await Outbox.inMemory().health(), { deliveredInLastMinute: 0, paused: 0 });
});

test('a backup is a file of its own, and replaces none', async (t) => {
  const { path, outbox } = onDisk(t);
  const { jtis } = await outbox.enqueue(EVENT, ADA, { to: 'acme' });
  const target = `${path}.backup`;
  await outbox.backup(target);
  await outbox.enqueue(EVENT, BOB, { to: 'acme' });
  await using(new Outbox(target), async (copy) => {
    assert.deepEqual(
      (await copy.list()).map(({ jti }) => jti),
      jtis,
    );
    assert.deepEqual(await copy.check(), []);
  });
  for (const wrong of [target, join(path, 'missing', 'copy.db')]) {
    await assert.rejects(outbox.backup(wrong), { code: 'SSF_OUTBOX_PLACE_INVALID' });
  }
  await assert.rejects(Outbox.inMemory().backup(target), { code: 'SSF_CONFIGURATION_INVALID' });
});

test('the stack of an error begins where the caller called', async () => {
  const outbox = Outbox.inMemory();
  const theCaller = async () => outbox.enqueue(EVENT, ADA, { to: [] });
  const error = await theCaller().catch((caught) => caught);
  const [name, top] = error.stack.split('\n');
  assert.equal(name, `OutboxError: ${error.message}`);
  assert.match(top, /at theCaller .*outbox\.test\.mjs/);
});

test('a full outbox in memory refuses, or waits; a signal ends the wait', async (t) => {
  const { transmitter, to } = await pair(t);
  const full = Outbox.inMemory({ capacity: 1 });
  await full.enqueue(EVENT, ADA, { to: 'acme' });
  await assert.rejects(full.enqueue(EVENT, ADA, { to: 'acme' }), { code: 'SSF_OUTBOX_FULL', retryable: true });

  const outbox = Outbox.inMemory({ capacity: 1, waitWhenFull: true });
  await outbox.enqueue(EVENT, ADA, { to: 'acme' });
  const controller = new AbortController();
  const abandoned = outbox.enqueue(EVENT, ADA, { to: 'acme', signal: controller.signal });
  const reason = new Error('enough');
  controller.abort(reason);
  await assert.rejects(abandoned, reason);
  const many = outbox.enqueueMany([{ event: EVENT, to: 'acme' }], { signal: controller.signal });
  await assert.rejects(many, reason);

  const second = outbox.enqueue(EVENT, BOB, { to: 'acme' });
  const worker = new Worker(outbox, transmitter, { receivers: { acme: to } });
  const running = worker.run();
  await second;
  while ((await outbox.counts()).delivered < 2) await new Promise(setImmediate);
  await worker.stop();
  await running;
});

test('a file that cannot be used is named', async (t) => {
  const place = folder(t);
  for (const path of [join(place, 'missing', 'outbox.db'), place]) {
    await assert.rejects(new Outbox(path).counts(), { code: 'SSF_OUTBOX_PLACE_INVALID' });
  }
  const text = join(place, 'notes.txt');
  await (await open(text, 'w')).close();
  await chmod(text, 0o600);
  const notes = await open(text, 'w');
  await notes.write('these are notes, and no database, '.repeat(100));
  await notes.close();
  await assert.rejects(new Outbox(text).counts(), (error) => error instanceof OutboxError);
  assert.match(await readFile(text, 'utf8'), /^these are notes/);
  // What failed is tried again.
  const later = new Outbox(join(place, 'later', 'outbox.db'));
  await assert.rejects(later.counts(), { code: 'SSF_OUTBOX_PLACE_INVALID' });
  const { mkdir } = await import('node:fs/promises');
  await mkdir(join(place, 'later'));
  assert.equal((await later.counts()).enqueued, 0);
  await later.close();
});

test('the file is opened where the outbox is first used, and closed after all calls before', async (t) => {
  const place = folder(t);
  const outbox = new Outbox(join(place, 'outbox.db'));
  assert.deepEqual(await readdir(place), []);
  const calls = Array.from({ length: 20 }, () => outbox.enqueue(EVENT, ADA, { to: 'acme' }));
  await Promise.all(calls);
  assert.equal((await stat(join(place, 'outbox.db'))).mode & 0o777, process.platform === 'win32' ? 0o666 : 0o600);
  await outbox.close();
  await outbox.close();
  assert.ok(!(await readdir(place)).includes('outbox.db-wal'));
  await assert.rejects(outbox.enqueue(EVENT, ADA, { to: 'acme' }), { code: 'SSF_OUTBOX_UNAVAILABLE' });
  const never = new Outbox(join(place, 'never.db'));
  await never.close();
  await assert.rejects(never.counts(), { code: 'SSF_OUTBOX_UNAVAILABLE' });
  assert.ok(!(await readdir(place)).includes('never.db'));
});

test('a sealed outbox shows nothing on the disk, and its keys rotate', async (t) => {
  const { emulator, transmitter, to } = await pair(t);
  const [indexKey, old, fresh] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
  const path = join(folder(t), 'outbox.db');
  await using(new Outbox(path, { seal: new Seal({ indexKey, keys: [['2', old]] }) }), async (outbox) => {
    await outbox.enqueue(EVENT, ADA, { to: 'acme', txn: 'incident-4711', idempotencyKey: 'the-key' });
    for (const name of await readdir(join(path, '..'))) {
      const bytes = await readFile(join(path, '..', name), 'latin1');
      assert.doesNotMatch(bytes, /ada@example\.com|incident-4711|the-key/, name);
    }
  });
  // Ids that an object would put into another order.
  const seal = new Seal({
    indexKey,
    keys: new Map([
      ['3', fresh],
      ['2', old],
    ]),
  });
  await using(new Outbox(path, { seal }), async (outbox) => {
    assert.equal((await outbox.list({ subject: ADA })).length, 1);
    assert.deepEqual(await new Worker(outbox, transmitter, { receivers: { acme: to } }).drain(), {
      delivered: 1,
      failed: 0,
    });
  });
  assert.deepEqual(emulator.received[0].sub_id, ADA);
  await using(new Outbox(path), async (outbox) => {
    await outbox.replay({ state: 'delivered' });
    await new Worker(outbox, transmitter, { receivers: { acme: to } }).drain();
    const [locked] = await outbox.list();
    assert.equal(locked.failure.code, 'SSF_OUTBOX_KEY_MISSING');
  });
  for (const [options, pointer] of [
    [{ indexKey: new Uint8Array(5), keys: [['1', old]] }, undefined],
    [{ indexKey, keys: [['1', new Uint8Array(5)]] }, undefined],
    [{ indexKey, keys: [] }, undefined],
    [{ indexKey, keys: { 1: old } }, '/keys'],
    [{ indexKey, keys: [['1', 'old']] }, '/keys'],
    [{ indexKey: 'secret', keys: [['1', old]] }, '/indexKey'],
  ]) {
    assert.throws(
      () => new Seal(options),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.pointer, pointer);
        return true;
      },
    );
  }
  assert.equal(inspect(seal), 'Seal {}');
});

test('a damaged file says so, and what can be read of it is salvaged', async (t) => {
  const { path, outbox } = onDisk(t);
  const entries = Array.from({ length: 2000 }, (_, n) => ({
    event: EVENT,
    subject: { format: 'opaque', id: `user-${n}` },
    to: 'acme',
  }));
  await outbox.enqueueMany(entries);
  await assert.rejects(Outbox.salvage(path), { code: 'SSF_OUTBOX_UNAVAILABLE' });
  await outbox.close();
  const file = await open(path, 'r+');
  const { size } = await file.stat();
  for (let page = 20; page < size / 4096; page += 40) await file.write(Buffer.alloc(4096, 0x55), 0, 4096, page * 4096);
  await file.close();

  const damaged = new Outbox(path);
  const found = await damaged.check().catch((error) => [error.code]);
  assert.ok(found.length > 0, 'the damage is found');
  await damaged.close();
  const { kept, lost, movedTo } = await Outbox.salvage(path);
  assert.ok(kept > 500 && kept + lost === 2000, `${kept} kept, ${lost} lost`);
  assert.ok((await stat(movedTo)).size === size);
  await using(new Outbox(path), async (outbox) => {
    assert.deepEqual(await outbox.check(), []);
    assert.equal((await outbox.counts()).waiting, kept);
  });
});

test('timers fire while a large batch is enqueued, which is accepted as a whole', async (t) => {
  const { outbox } = onDisk(t);
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 1);
  t.after(() => clearInterval(ticking));
  const entries = Array.from({ length: 10_000 }, (_, n) => ({
    event: EVENT,
    subject: { format: 'opaque', id: `user-${n}` },
    to: `receiver-${n % 100}`,
  }));
  const enqueued = await outbox.enqueueMany(entries);
  assert.ok(ticks > 5, `${ticks} ticks`);
  assert.equal(new Set(enqueued.flatMap(({ jtis }) => jtis)).size, 10_000);
  assert.equal((await outbox.counts()).waiting, 10_000);
  assert.deepEqual(await outbox.enqueueMany([]), []);
});
