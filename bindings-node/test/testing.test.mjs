import assert from 'node:assert/strict';
import { test } from 'node:test';
import { caep, eventUri, explain, SsfError } from 'ssf-transmitter';
import { startReceiver } from 'ssf-transmitter/testing';
import { ADA, always, ISSUER, pair } from './setup.mjs';

test('assertReceived finds the one SET, wherever its subject stands, and says what it saw otherwise', async (t) => {
  const { emulator, transmitter, to } = await pair(t);
  const subject = { format: 'complex', user: ADA, device: { format: 'opaque', id: 'laptop-7' } };
  await transmitter.emit(caep.sessionRevoked(), subject, { to });
  assert.equal(emulator.assertReceived('caep.session-revoked').iss, ISSUER);
  emulator.assertReceived(eventUri('caep.session-revoked'), ADA);
  emulator.assertReceived('caep.session-revoked', subject);
  const missing = () => emulator.assertReceived('caep.session-revoked', { format: 'opaque', id: 'other' });
  assert.throws(missing, (error) => {
    assert.equal(error.code, 'ERR_ASSERTION');
    assert.match(error.message, /found 0 among:\n {2}202 taken https:/);
    assert.match(error.stack, /at missing .*testing\.test\.mjs/);
    return true;
  });
  emulator.clear();
  assert.deepEqual([emulator.requests, emulator.received], [[], []]);
});

test('users that it does not know, and repeats, have no effect', async (t) => {
  const { emulator, transmitter } = await pair(t, {
    emulator: { like: 'okta', audience: 'https://acme.okta.com', users: ['bob@example.com'] },
    type: 'RSA-2048',
  });
  const event = caep.sessionRevoked({ eventTimestamp: new Date(), reasonAdmin: { en: 'x' } });
  await transmitter.emit(event, ADA, { to: emulator.receiver() });
  assert.deepEqual(
    emulator.requests.map(({ dropped }) => dropped),
    ['unknown user'],
  );
  assert.deepEqual(emulator.received, []);
});

test('an error is explained', async (t) => {
  const script = always({ status: { status: 400, err: 'invalid_audience' } });
  const { transmitter, to } = await pair(t, { emulator: { script } });
  const error = await transmitter.emit(caep.sessionRevoked(), ADA, { to }).catch((caught) => caught);
  const { isDelivered, reason, cause, remedy } = explain('', error, { dialect: to.dialect });
  assert.deepEqual([isDelivered, reason], [false, 'invalid_audience']);
  assert.ok(cause.length > 10 && remedy.length > 10);
  const nowhere = new SsfError('SSF_CONNECTION_FAILED', 'could not connect to receiver.example.net');
  assert.equal(explain('', nowhere).reason, 'connection_failed');
});

test('what it cannot do is refused', async () => {
  const wrong = { code: 'SSF_CONFIGURATION_INVALID' };
  await assert.rejects(startReceiver({}), wrong);
  await assert.rejects(startReceiver({ like: 'Okta', issuer: ISSUER, keys: { keys: [] } }), wrong);
  await assert.rejects(
    startReceiver({ issuer: ISSUER, keys: { keys: [] }, script: { rules: [{ fault: 'none' }] } }),
    wrong,
  );
  await assert.rejects(startReceiver({ issuer: ISSUER, keys: { keys: [] }, isuer: 1 }), /issuer\?/);
  const emulator = await startReceiver({ issuer: ISSUER, keys: { keys: [] } });
  await emulator[Symbol.asyncDispose]();
  await emulator.stop();
  assert.throws(() => emulator.requests, /stopped/);
});
