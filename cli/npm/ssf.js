#!/usr/bin/env node
// Runs the command `ssf`, as if it stood here.

const { spawn } = require('node:child_process');
const { command } = require('./index.js');

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

let program;
try {
  program = command();
} catch ({ message }) {
  console.error(`ssf: ${message}`);
  process.exit(1);
}
const child = spawn(program, process.argv.slice(2), { stdio: 'inherit' });
const pass = (signal) => child.kill(signal);
for (const signal of SIGNALS) process.on(signal, pass);
child.on('error', ({ message }) => {
  console.error(`ssf: ${message}`);
  process.exitCode = 1;
});
child.on('exit', (code, signal) => {
  for (const name of SIGNALS) process.removeListener(name, pass);
  if (signal !== null) process.kill(process.pid, signal);
  else process.exitCode = code;
});
