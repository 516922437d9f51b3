// Signs a SET, and delivers it to the emulator: what a package that is installed has to do.

import { caep, SigningKey, Transmitter } from 'ssf-transmitter';
import { startReceiver } from 'ssf-transmitter/testing';

const key = await SigningKey.generate('P-256');
const issuer = 'https://edr.example.com';
const emulator = await startReceiver({ issuer, keys: key });
const transmitter = new Transmitter({ issuer, key });
const subject = { format: 'opaque', id: '1' };
const receipt = await transmitter.emit(caep.sessionRevoked(), subject, { to: emulator.receiver() });
console.log(receipt.status);
