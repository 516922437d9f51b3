// What has to work wherever the package is loaded: in a worker thread, in a vm context, under a test runner. All values are
// made in the realm of the caller.

/** Sends SETs in every way that takes values other than text. Throws if something is not as it should be. */
exports.scenario = async ({ caep, Signer, SigningKey, SsfError, Transmitter }, { startReceiver }) => {
  const issuer = 'https://edr.example.com';
  const subject = { format: 'email', email: 'ada@example.com' };
  const pem = await (await SigningKey.generate('P-256')).exportPrivatePem();
  const key = await SigningKey.fromPem(Uint8Array.from(pem, (character) => character.charCodeAt(0)));
  const emulator = await startReceiver({ issuer, keys: key });
  const transmitter = new Transmitter({ issuer, key });
  const to = emulator.receiver();

  const event = caep.sessionRevoked({ eventTimestamp: new Date(1_767_225_590_000) });
  const { signal } = new AbortController();
  await transmitter.emit(event, subject, { to, signal, toe: new Date(), companions: [] });
  const [claims] = Object.values(emulator.assertReceived('caep.session-revoked', subject).events);
  expect(claims.event_timestamp === 1_767_225_590, 'the time is sent in seconds');

  const refused = await transmitter.emit(event, { format: 'email', email: 'ada' }, { to }).catch((error) => error);
  expect(refused instanceof SsfError && refused.code === 'SSF_SUBJECT_MEMBER_VALUE', 'an error has its class and code');

  const reason = new Error('enough');
  const aborted = new AbortController();
  const waiting = transmitter.emit(event, subject, { to, signal: aborted.signal }).catch((error) => error);
  aborted.abort(reason);
  expect((await waiting) === reason, 'a signal abandons an emit');

  const failure = new TypeError('no key');
  const sign = () => Promise.reject(failure);
  const options = { issuer, key: new Signer({ algorithm: 'ES256', sign }) };
  const unsigned = await new Transmitter(options).emit(event, subject, { to }).catch((error) => error);
  expect(unsigned.code === 'SSF_SIGNER_FAILED' && unsigned.cause === failure, 'the error of a signer is the cause');

  const many = async function* () {
    for (let n = 0; n < 3; n++) yield { event, subject, to };
  };
  let delivered = 0;
  for await (const { receipt } of transmitter.emitAll(many(), { signal })) delivered += receipt.status === 202;
  expect(delivered === 3, 'an async generator is a source of emissions');
  await transmitter.close();
  await emulator.stop();
  return delivered;
};

function expect(holds, rule) {
  if (!holds) throw new Error(`does not hold: ${rule}`);
}
