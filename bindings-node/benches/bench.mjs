// Signing and sending beside what people use instead: jose, jsonwebtoken and fast-jwt, with fetch and undici. One run, the
// contenders by turns, ratios of medians. It measures what `cargo xtask dist node` has built. RS256 is what receivers commonly
// want; an ES256 signature takes a tenth of the time, so that it shows what everything else costs.
//
// node benches/bench.mjs        everything
// node benches/bench.mjs one    signing alone, for a process that is bound to one core

import { spawnSync } from 'node:child_process';
import { createPrivateKey, sign } from 'node:crypto';
import { connect } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createSigner } from 'fast-jwt';
import { importPKCS8, SignJWT } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { caep, Receiver, SigningKey, Transmitter } from 'ssf-transmitter';
import { Pool } from 'undici';
import { startSink } from './sink.mjs';

const ISSUER = 'https://edr.example.com';
const AUDIENCE = 'https://receiver.example.net';
const EVENT = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
const ROUNDS = 7;
const LANES = 32;

const subject = { format: 'email', email: 'ada@example.com' };
const input = Buffer.alloc(700, 'x');

const claims = () => ({
  iss: ISSUER,
  jti: crypto.randomUUID(),
  iat: Math.floor(Date.now() / 1000),
  aud: AUDIENCE,
  txn: crypto.randomUUID(),
  sub_id: subject,
  events: { [EVENT]: { reason_admin: { en: 'Laptop lost' } } },
});
const event = () => caep.sessionRevoked({ reasonAdmin: { en: 'Laptop lost' } });

/** The same off the event loop. */
const signThreaded = promisify(sign);

/** What each signs with, for one algorithm. */
async function signers(type, algorithm) {
  const key = await SigningKey.generate(type);
  const pem = await key.exportPrivatePem();
  const privateKey = createPrivateKey(pem);
  const joseKey = await importPKCS8(pem, algorithm);
  const header = { alg: algorithm, typ: 'secevent+jwt', kid: key.kid };
  const fastSign = createSigner({ key: pem, algorithm, kid: key.kid, header, noTimestamp: true });
  const rawKey = algorithm === 'ES256' ? { key: privateKey, dsaEncoding: 'ieee-p1363' } : privateKey;
  return {
    algorithm,
    transmitter: new Transmitter({ issuer: ISSUER, key }),
    raw: () => sign('sha256', input, rawKey),
    rawThreaded: () => signThreaded('sha256', input, rawKey),
    jose: () => new SignJWT(claims()).setProtectedHeader(header).sign(joseKey),
    jsonwebtoken: () => jsonwebtoken.sign(claims(), privateKey, { algorithm, header, noTimestamp: true }),
    fastJwt: () => fastSign(claims()),
  };
}
const both = [await signers('RSA-2048', 'RS256'), await signers('P-256', 'ES256')];

/** How often something is done in a second, in so many lanes, and what it costs: microseconds of processor time. */
async function rate(work, lanes, milliseconds = 700) {
  let done = 0;
  const began = performance.now();
  const before = process.cpuUsage();
  const ends = began + milliseconds;
  const lane = async () => {
    while (performance.now() < ends) {
      await work();
      done++;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const { user, system } = process.cpuUsage(before);
  return { rate: (done * 1000) / (performance.now() - began), cost: (user + system) / done };
}

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

/** The medians of each contender; they take turns. */
async function compare(contenders) {
  const all = new Map(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, { work, lanes }] of Object.entries(contenders)) {
      const measured = await rate(work, lanes);
      // The first round warms up.
      if (round > 0) all.get(name).push(measured);
    }
  }
  const medians = (each) => ({ rate: median(each.map((one) => one.rate)), cost: median(each.map((one) => one.cost)) });
  return Object.fromEntries([...all].map(([name, each]) => [name, medians(each)]));
}

/** Rates, as ratios to one of them, and costs. Where other programs use the machine too, the costs tell more. */
function print(title, measured, base) {
  console.log(`\n${title.padEnd(44)} per second  ratio  processor time each`);
  for (const [name, { rate, cost }] of Object.entries(measured)) {
    const ratio = (rate / measured[base].rate).toFixed(2);
    console.log(
      `  ${name.padEnd(42)} ${rate.toFixed(0).padStart(10)} ${ratio.padStart(6)} ${cost.toFixed(0).padStart(10)} µs`,
    );
  }
}

const nowhere = new Receiver({ endpoint: 'https://receiver.example.net/events', audience: AUDIENCE });

function signing({ transmitter, raw, jose, jsonwebtoken, fastJwt }) {
  return {
    'raw OpenSSL, one thread': { work: async () => raw(), lanes: 1 },
    'ssf-transmitter': { work: () => transmitter.sign(event(), subject, { to: nowhere }), lanes: LANES },
    jose: { work: jose, lanes: LANES },
    jsonwebtoken: { work: async () => jsonwebtoken(), lanes: 1 },
    'fast-jwt': { work: async () => fastJwt(), lanes: 1 },
  };
}

async function printSigning(cores) {
  for (const one of both) {
    print(`sign ${one.algorithm}, ${cores}`, await compare(signing(one)), 'raw OpenSSL, one thread');
  }
}

if (process.argv[2] === 'one') {
  await printSigning('one core (raw = 1)');
  process.exit();
}

if (process.platform === 'linux') {
  spawnSync('taskset', ['--cpu-list', '0', process.execPath, fileURLToPath(import.meta.url), 'one'], {
    stdio: 'inherit',
  });
}
await printSigning('all cores (raw on one core = 1)');

const [sink, port] = await startSink();
const url = `http://127.0.0.1:${port}/events`;
const headers = { 'content-type': 'application/secevent+jwt', accept: 'application/json' };
const to = new Receiver({ endpoint: url, audience: AUDIENCE, allowLoopback: true, concurrency: LANES });
const pool = new Pool(`http://127.0.0.1:${port}`, { connections: LANES });

async function byFetch(set) {
  const response = await fetch(url, { method: 'POST', headers, body: set });
  await response.arrayBuffer();
  if (response.status !== 202) throw new Error(`${response.status}`);
}
async function byUndici(set) {
  const { statusCode, body } = await pool.request({ path: '/events', method: 'POST', headers, body: set });
  await body.dump();
  if (statusCode !== 202) throw new Error(`${statusCode}`);
}

/** What nobody is faster than: a request that was written beforehand, over bare sockets of its own. */
const idle = Array.from({ length: LANES }, () => connect(port, '127.0.0.1').setNoDelay());
function bySocket(request) {
  const socket = idle.pop();
  return new Promise((resolve, reject) => {
    socket.once('data', (answer) => {
      idle.push(socket);
      if (answer.toString('latin1').startsWith('HTTP/1.1 202 ')) resolve();
      else reject(new Error('not taken'));
    });
    socket.write(request);
  });
}

for (const { algorithm, transmitter, jose, jsonwebtoken, fastJwt, rawThreaded } of both) {
  const lines = [`POST /events HTTP/1.1`, `host: 127.0.0.1:${port}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  const set = fastJwt();
  const request = Buffer.from([...lines, `content-length: ${set.length}`, '', set].join('\r\n'));
  const emitted = await compare({
    'ssf-transmitter': { work: () => transmitter.emit(event(), subject, { to }), lanes: LANES },
    'jose + fetch': { work: async () => byFetch(await jose()), lanes: LANES },
    'jose + undici': { work: async () => byUndici(await jose()), lanes: LANES },
    'jsonwebtoken + fetch': { work: async () => byFetch(jsonwebtoken()), lanes: LANES },
    'fast-jwt + undici': { work: async () => byUndici(fastJwt()), lanes: LANES },
    'signature, bare sockets': { work: async () => [await rawThreaded(), await bySocket(request)], lanes: LANES },
  });
  print(`emit ${algorithm} (ssf-transmitter = 1)`, emitted, 'ssf-transmitter');
  for (const peer of ['jose + fetch', 'jose + undici']) {
    const [ours, theirs] = [emitted['ssf-transmitter'], emitted[peer]];
    const [faster, cheaper] = [ours.rate / theirs.rate, theirs.cost / ours.cost];
    console.log(`  ${faster.toFixed(2)} times as fast as ${peer}, for ${cheaper.toFixed(2)} times less processor time`);
  }
}

/** The p99 of the event loop's delay, in milliseconds, while 2,000 SETs are signed. */
async function delay(work) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  let left = 2000;
  const lane = async () => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  histogram.disable();
  return histogram.percentile(99) / 1e6;
}

const quiet = await delay(() => new Promise((resolve) => setTimeout(resolve, 10)));
console.log('\np99 of the event loop delay while 2,000 SETs are signed (RS256), beyond that of an idle loop');
const { 'ssf-transmitter': ours, jose } = signing(both[0]);
// The others sign on the loop, which does not turn at all meanwhile.
for (const [name, { work }] of Object.entries({ 'ssf-transmitter': ours, jose })) {
  const added = [];
  for (let round = 0; round < 5; round++) added.push((await delay(work)) - quiet);
  console.log(`  ${name.padEnd(26)} ${median(added).toFixed(2)} ms`);
}
await pool.close();
for (const socket of idle) socket.destroy();
sink.kill();
