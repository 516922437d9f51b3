// The examples of the receivers' guides are sent as printed.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { customEvent, Receiver, risc, SigningKey, Transmitter } from 'ssf-transmitter';

const printed = (id) => {
  const url = new URL(`../../tests/vectors/sets/${id}.json`, import.meta.url);
  const { claims, input } = JSON.parse(readFileSync(url, 'utf8'));
  const [[uri, members]] = Object.entries(claims.events);
  return { issuer: input.issuer, events: claims.events, event: customEvent({ uri, claims: members }) };
};
const GOVUK = {
  audience: 'https://ssf.account.gov.uk/',
  clientCredentials: { tokenUrl: 'https://auth.example.gov.uk/token', clientId: 'id', clientSecret: 'secret' },
};
const okta = (settings) => Receiver.okta('https://customer.okta.com', settings);
const govuk = (settings) => Receiver.govukOneLogin('https://inbound.example.gov.uk/', { ...GOVUK, ...settings });
const key = await SigningKey.generate('RSA-2048');

for (const [id, to, rule] of [
  ['okta-receiver-identifier-changed-pasted', okta(), 'timestamp-unit-disputed'],
  ['okta-receiver-identifier-changed-pasted', okta({ timeUnit: 'ms' }), 'timestamp-unit-disputed'],
  ['govuk-account-disabled-guidance-pasted', govuk(), 'subject-form-disputed'],
  ['govuk-account-disabled-guidance-pasted', govuk({ subjectShape: 'legacy' }), 'subject-form-disputed'],
]) {
  test(`${id} is sent as printed, with the warning ${rule}`, () => {
    const { issuer, events, event } = printed(id);
    const set = new Transmitter({ issuer, key }).prepare(event, undefined, { to });
    assert.deepEqual(set.decode().claims.events, events);
    const [finding] = set.findings.filter((found) => found.rule === rule);
    assert.equal(finding?.severity, 'warning');
  });
}

test('a subject that is given beside the one in the event has to be the same', () => {
  const { issuer, event } = printed('okta-receiver-identifier-changed-pasted');
  const transmitter = new Transmitter({ issuer, key });
  const john = { format: 'email', email: 'john@doe.net' };
  transmitter.prepare(event, john, { to: okta() });
  transmitter.prepare(event, { format: 'complex', user: john }, { to: okta() });
  assert.throws(() => transmitter.prepare(event, { format: 'email', email: 'ada@example.com' }, { to: okta() }), {
    code: 'SSF_EVENT_MEMBER_FORBIDDEN',
    pointer: '/events/https:~1~1schemas.openid.net~1secevent~1risc~1event-type~1identifier-changed/subject',
    message: /differs from the subject passed/,
  });
});

test('unit of time and form of the subject are settings of a receiver', () => {
  const transmitter = new Transmitter({ issuer: 'https://edr.example.com', key });
  const changed = risc.identifierChanged({
    newValue: 'b@example.com',
    otherMembers: { event_timestamp: 1_767_225_590 },
  });
  const subject = { format: 'email', email: 'a@example.com' };
  const [members] = Object.values(
    transmitter.prepare(changed, subject, { to: okta({ timeUnit: 'ms' }) }).decode().claims.events,
  );
  assert.equal(members.event_timestamp, 1_767_225_590_000);
  const disabled = risc.accountDisabled({ reason: 'hijacking' });
  const user = { format: 'iss_sub', iss: 'https://idp.example.com/', sub: '7375626A656374' };
  const [legacy] = Object.values(
    transmitter.prepare(disabled, user, { to: govuk({ subjectShape: 'legacy' }) }).decode().claims.events,
  );
  assert.equal(legacy.subject.subject_type, 'iss-sub');
  assert.throws(() => okta({ timeUnit: 'us' }), { code: 'SSF_CONFIGURATION_INVALID', pointer: '/timeUnit' });
  const endpoint = { endpoint: 'https://receiver.example.net/', audience: 'https://receiver.example.net' };
  assert.throws(() => new Receiver({ ...endpoint, subjectShape: 'legacy' }), { code: 'SSF_CONFIGURATION_INVALID' });
});
