// A receiver that takes everything and looks at nothing, in a process of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(import.meta.url);

/** Starts one: the process, and its port. */
export async function startSink() {
  const sink = spawn(process.execPath, [FILE], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(sink.stdout, 'data');
  return [sink, Number(line)];
}

if (argv[1] === FILE) {
  const answer = Buffer.from('HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n');
  const server = createServer({ noDelay: true }, (socket) => {
    let rest = '';
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        rest += chunk.toString('latin1');
        for (;;) {
          const end = rest.indexOf('\r\n\r\n');
          if (end < 0) return;
          const length = Number(/content-length: (\d+)/i.exec(rest.slice(0, end))[1]);
          if (rest.length < end + 4 + length) return;
          rest = rest.slice(end + 4 + length);
          socket.write(answer);
        }
      });
  }).listen(0, '127.0.0.1', () => console.log(server.address().port));
}
