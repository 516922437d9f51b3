// The stream API in real servers: node:http, Express, Fastify, and Hono on Node.

import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';

/** A caller by its token. The audience of its SETs can be set. */
export const authenticator =
  (audience = 'https://acme.example.com') =>
  (authorization) => {
    const callers = {
      'Bearer of-acme': { receiver: 'acme', scopes: 'ssf.manage', audience },
      'Bearer of-a-reader': { receiver: 'acme', scopes: ['ssf.read'], audience },
      'Bearer of-globex': { receiver: 'globex', scopes: 'ssf.manage' },
      'Bearer of-apple': { receiver: 'apple', scopes: 'ssf.manage', dialect: 'apple' },
    };
    return callers[authorization];
  };

/** How to mount: each gives a listener of node:http. */
export const MOUNTS = {
  'node:http': (api, find) => {
    const handle = api.nodeHandler(({ headers }) => find(headers.authorization));
    return (request, response) => {
      if (api.serves(new URL(request.url, 'http://tr').pathname)) return handle(request, response);
      return theirs(request, response);
    };
  },
  express: (api, find) => {
    const app = express();
    app.use(api.nodeHandler(async ({ headers }) => find(headers.authorization)));
    app.use(express.json());
    app.get('/login', (_, response) => response.json('theirs'));
    return app;
  },
  fastify: async (api, find) => {
    let listener;
    const app = fastify({
      serverFactory: (handler) => {
        listener = handler;
        return createServer();
      },
    });
    const handle = api.nodeHandler(({ headers }) => find(headers.authorization));
    app.addHook('onRequest', (request, reply, done) => {
      if (!api.serves(request.url.split('?')[0])) return done();
      reply.hijack();
      handle(request.raw, reply.raw);
    });
    app.get('/login', (_, reply) => reply.send('"theirs"'));
    await app.ready();
    return listener;
  },
  hono: (api, find) => {
    const app = new Hono();
    app.get('/login', (context) => context.json('theirs'));
    const handle = api.fetchHandler((request) => find(request.headers.get('authorization') ?? undefined));
    app.all('*', (context) => handle(context.req.raw));
    return getRequestListener(app.fetch);
  },
};

function theirs(request, response) {
  if (request.url !== '/login') response.statusCode = 404;
  response.end('"theirs"');
}

/** A server on this machine, whose listener can be replaced. */
export class Server {
  #server = createServer((request, response) => this.listener(request, response));
  listener = theirs;

  async start() {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    this.port = this.#server.address().port;
    return this;
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Starts a request. */
  begin(method, target, { body, headers = {} } = {}) {
    const text = body === undefined ? '' : JSON.stringify(body);
    // Node does not frame the body of a DELETE by itself.
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(text) };
    const to = { host: '127.0.0.1', port: this.port, agent: false };
    return httpRequest({ ...to, method, path: target, headers: { ...headers, ...length } }).end(text);
  }

  /** Sends a request, and returns the answer. */
  async request(method, target, options) {
    const [response] = await once(this.begin(method, target, options), 'response');
    const chunks = [];
    for await (const chunk of response) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    return { status: response.statusCode, headers: response.headers, text, body: text && JSON.parse(text) };
  }
}
