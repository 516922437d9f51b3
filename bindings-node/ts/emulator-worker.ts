/**
 * The thread that has the emulator as its child process, so that another thread can wait for an answer without giving way to
 * its event loop. When the thread ends, however it does, the input of the process ends, and with it the process.
 */

import { spawn } from 'node:child_process';
import { parentPort, workerData } from 'node:worker_threads';

import type { Order, Start, Work } from './emulator.js';

/** How many milliseconds the process may take to end: it answers pending requests first, for some seconds at most. */
const GRACE = 30_000;

const { program, settings, port, answers } = workerData as Work;
let said = '';
let ready = false;
let waiting = false;
let ended = false;
let last = false;

const child = spawn(program, ['emulate'], { stdio: ['pipe', 'pipe', 'inherit'], windowsHide: true });
child.on('error', ({ message, code }: NodeJS.ErrnoException) => start({ failed: { message, code } }));
// It has ended, and 'close' says so.
child.stdin.on('error', () => {});
child.stdout.setEncoding('utf8').on('data', (text: string) => {
  said += text;
  if (!text.endsWith('\n')) return;
  const line = said;
  said = '';
  if (ready) answer(line);
  else start({ line });
});
child.on('close', (code, signal) => {
  ended = true;
  if (!ready) start({ ended: signal === null ? `ended with code ${code}` : `was ended by ${signal}` });
  if (waiting) answer('');
  if (last) port.close();
});
port.on('message', ({ line, isLast }: Order) => {
  last ||= isLast;
  waiting = !isLast;
  // What does not end with its input is no emulator, or hangs.
  if (isLast) setTimeout(() => child.kill('SIGKILL'), GRACE).unref();
  if (!ended) isLast ? child.stdin.end(line) : child.stdin.write(line);
  else if (waiting) answer('');
  else port.close();
});
child.stdin.write(settings);

function start(message: Start): void {
  if (!ready) parentPort?.postMessage(message);
  ready = true;
}

/** An empty one says that the process has ended. */
function answer(line: string): void {
  waiting = false;
  port.postMessage(line);
  Atomics.add(answers, 0, 1);
  Atomics.notify(answers, 0);
}
