// A receiver with a page, a transmitter that it knows, and what sends SETs.

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const SSF = process.env.SSF_COMMAND;
const AUDIENCE = 'https://receiver.example.net';

export class Receiver {
  static async start() {
    const receiver = new Receiver();
    receiver.folder = await mkdtemp(join(tmpdir(), 'ssf-page-'));
    await receiver.ssf('key', 'new', '--out', 'key.pem');
    receiver.transmitter = receiver.spawn('serve', '--key', 'key.pem');
    const { issuer, jwks_uri: jwks } = await firstLine(receiver.transmitter);
    receiver.issuer = issuer;
    const known = ['--issuer', issuer, '--jwks-uri', jwks, '--audience', AUDIENCE];
    receiver.process = receiver.spawn('receiver', '--page', '--like', 'rfc8935', ...known);
    receiver.ready = await firstLine(receiver.process);
    return receiver;
  }

  spawn(...args) {
    return spawn(SSF, args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'inherit'] });
  }

  ssf(...args) {
    return promisify(execFile)(SSF, args, { cwd: this.folder });
  }

  /** Sends an event that the receiver accepts. */
  emit(event, ...args) {
    const to = ['--endpoint', this.ready.push, '--audience', AUDIENCE, '--allow-loopback'];
    const about = ['--issuer', this.issuer, '--key', 'key.pem', '--email', 'ada@example.com'];
    return this.ssf('emit', ...to, ...about, '--event', event, ...args);
  }

  /** Pushes claims that nobody has signed. */
  push(claims) {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const headers = { 'Content-Type': 'application/secevent+jwt', Accept: 'application/json' };
    const body = `${part({ typ: 'secevent+jwt', alg: 'ES256', kid: '1' })}.${part(claims)}.AAAA`;
    return fetch(this.ready.push, { method: 'POST', headers, body });
  }

  async stop() {
    for (const child of [this.process, this.transmitter]) child.kill();
    await rm(this.folder, { recursive: true });
  }
}

async function firstLine(child) {
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line);
  throw new Error('the command has ended');
}
