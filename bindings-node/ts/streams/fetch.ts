/** The stream API for servers that speak in requests and responses of the Fetch standard. */

import type { NativeAnswer } from '../native.js';
import { admission, answered, type Mounted, READ } from './exchange.js';

/** Answers a request: `fetch` of Bun and Deno, a handler of Hono or Next. */
export type FetchHandler = (request: Request) => Promise<Response>;

/** What a client that has gone would get. Nobody sees it. */
const CLOSED = 499;

export function fetchHandler(mounted: Mounted<Request>): FetchHandler {
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const admitted = await admission(mounted, request);
    const headers = READ.flatMap((name) => {
      const value = request.headers.get(name);
      return value === null ? [] : [name, value];
    });
    const head = { method: request.method, target: pathname + search, headers, remote: undefined, ...admitted };
    const { signal } = request;
    try {
      const answer = await answered(mounted, request, head, (limit, late) => read(request, limit, late), signal);
      return response(answer);
    } catch (error) {
      if (signal.aborted) return new Response(null, { status: CLOSED });
      throw error;
    }
  };
}

/** The body, and no more of it than shows that it is too long. */
async function read(request: Request, limit: number, late: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const reader = request.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  const cancel = () => void reader.cancel().catch(() => {});
  late.addEventListener('abort', cancel, { once: true });
  try {
    for (let size = 0; size <= limit; ) {
      const { value, done } = await reader.read();
      if (done || value === undefined) return Buffer.concat(chunks);
      chunks.push(value);
      size += value.byteLength;
    }
    cancel();
    return Buffer.concat(chunks);
  } finally {
    late.removeEventListener('abort', cancel);
  }
}

function response({ status, headers, body }: NativeAnswer): Response {
  const pairs = new Headers();
  for (let index = 0; index < headers.length; index += 2) pairs.append(headers[index] ?? '', headers[index + 1] ?? '');
  return new Response(body.byteLength === 0 ? null : body, { status, headers: pairs });
}
