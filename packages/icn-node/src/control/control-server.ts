import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { parseDid } from '@icn/identity';
import { NodeError } from '../errors.js';
import { errorJson, statusJson } from '../json.js';
import type { IcnNode } from '../node.js';
import { line, respond, type Call, type Route } from './call.js';
import { controlPath } from './control-path.js';
import { TOPIC_ROUTES } from './topic-routes.js';
import { TRUST_ROUTES } from './trust-routes.js';

const ROUTES: readonly Route[] = [
  { method: 'GET', path: /^\/v1\/status$/, run: getStatus },
  {
    method: 'PUT',
    path: /^\/v1\/blocked\/([^/]+)$/,
    run: (call) => block(call, true),
  },
  {
    method: 'DELETE',
    path: /^\/v1\/blocked\/([^/]+)$/,
    run: (call) => block(call, false),
  },
  ...TOPIC_ROUTES,
  ...TRUST_ROUTES,
];

/** Lets the CLI speak to a running node: HTTP over a local socket that only the node's user can open. */
export class ControlServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** The store's lock is held by now, so a socket that is there already is left over from a crash. */
  static async start(node: IcnNode, dataDir: string): Promise<ControlServer> {
    const path = await controlPath(dataDir);
    // Lines are published as they are typed or logged: a request may last for days.
    const server = createServer(
      { requestTimeout: 0 },
      (request, response) => void serve(node, request, response),
    );
    if (process.platform !== 'win32') await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    // What fails from now on is one connection, not the node.
    server.on('error', () => undefined);
    if (process.platform !== 'win32') await chmod(path, 0o600);
    return new ControlServer(server);
  }

  /** Ends running requests too. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

async function serve(node: IcnNode, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.on('error', () => gone.abort());
  try {
    const url = new URL(request.url ?? '/', 'http://node');
    for (const { method, path, run } of ROUTES) {
      const match = method === request.method ? path.exec(url.pathname) : null;
      if (match === null) continue;
      const params = match.slice(1).map(decodeURIComponent);
      return await run({ node, request, response, params, query: url.searchParams, signal: gone.signal });
    }
    throw new NodeError(
      'request-refused',
      `the node has no ${request.method} ${url.pathname}; is it of another version?`,
    );
  } catch (error) {
    if (response.headersSent) response.end(line(errorJson(error)));
    else respond(response, 400, errorJson(error));
  }
}

async function getStatus({ node, response }: Call): Promise<void> {
  respond(response, 200, statusJson(node.status()));
}

async function block({ node, response, params: [did = ''] }: Call, isBlocked: boolean): Promise<void> {
  const peer = parseDid(did);
  await (isBlocked ? node.block(peer) : node.unblock(peer));
  respond(response, 200, { did: peer, blocked: isBlocked });
}
