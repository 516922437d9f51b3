/** The stream API for servers of `node:http`, such as Express and Fastify. */

import type { IncomingMessage, ServerResponse } from 'node:http';

import { errorOf, type Place } from '../errors.js';
import type { NativeAnswer } from '../native.js';
import { told } from '../report.js';
import { admission, answered, type Mounted, READ } from './exchange.js';

/** Answers a request. With `next`, a request for another path goes there, and so does an error. */
export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => unknown,
) => Promise<void>;

export function nodeHandler(mounted: Mounted<IncomingMessage>, limitByAddress: boolean): NodeHandler {
  const { api, onError, at } = mounted;
  return async (request, response, next) => {
    const target = targetOf(request);
    if (next !== undefined && !api.serves(target.split('?', 1)[0] ?? '')) {
      next();
      return;
    }
    const gone = new AbortController();
    const close = () => gone.abort();
    response.once('close', close);
    try {
      const admitted = await admission(mounted, request);
      const remote = limitByAddress ? request.socket.remoteAddress : undefined;
      const head = { method: request.method ?? 'GET', target, headers: headersOf(request), remote, ...admitted };
      const body = (limit: number, late: AbortSignal) => read(request, limit, late, at);
      write(await answered(mounted, request, head, body, gone.signal), response);
    } catch (error) {
      // Nobody is there any more to be told.
      if (gone.signal.aborted) return;
      if (next !== undefined) {
        next(error);
        return;
      }
      told(() => onError(error, request));
      if (!response.headersSent) response.statusCode = 500;
      response.end();
    } finally {
      response.off('close', close);
    }
  };
}

/** The whole target: Express takes away the path that a handler is mounted at. */
function targetOf(request: IncomingMessage & { originalUrl?: string }): string {
  return request.originalUrl ?? request.url ?? '/';
}

/** Each value of a header that occurs twice, which `headers` leaves out. */
function headersOf(request: IncomingMessage): string[] {
  return READ.flatMap((name) => (request.headersDistinct[name] ?? []).flatMap((value) => [name, value]));
}

/** The body, and no more of it than shows that it is too long. */
function read(request: IncomingMessage, limit: number, late: AbortSignal, at: Place): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (request.readableEnded) {
      const message =
        'the body was read before: mount the stream API before what parses bodies, such as express.json()';
      reject(errorOf('SSF_CONFIGURATION_INVALID', message, at));
      return;
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    const done = () => {
      request.off('data', more).off('end', done).off('error', done).off('close', done);
      late.removeEventListener('abort', done);
      resolve(Buffer.concat(chunks));
    };
    const more = (chunk: Uint8Array) => {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > limit) {
        done();
        // The rest is not wanted, and must not keep the connection from the answer.
        request.resume();
      }
    };
    late.addEventListener('abort', done, { once: true });
    request.on('data', more).once('end', done).once('error', done).once('close', done);
  });
}

function write({ status, headers, body }: NativeAnswer, response: ServerResponse): void {
  response.statusCode = status;
  for (let index = 0; index < headers.length; index += 2) {
    response.setHeader(headers[index] ?? '', headers[index + 1] ?? '');
  }
  response.end(body);
}
