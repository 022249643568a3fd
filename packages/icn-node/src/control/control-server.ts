import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { GossipError, PROTOCOL } from '@icn/gossip';
import { parseDid } from '@icn/identity';
import { NodeError } from '../errors.js';
import { entryJson, errorJson, statusJson } from '../json.js';
import type { IcnNode } from '../node.js';
import type { Published, TopicHandle } from '../topic.js';
import { controlPath } from './control-path.js';
import { readAll, readLines } from './read-input.js';

/** Entries of one `--lines` request that wait for the disk at once; the input is not read further until then. */
const LINES_IN_FLIGHT_MAX = 256;

interface Call {
  readonly node: IcnNode;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
}

const ROUTES: readonly { method: string; path: RegExp; run: (call: Call) => Promise<void> }[] = [
  { method: 'GET', path: /^\/v1\/status$/, run: getStatus },
  { method: 'GET', path: /^\/v1\/topics\/([^/]+)\/entries$/, run: getEntries },
  { method: 'POST', path: /^\/v1\/topics\/([^/]+)\/entries$/, run: postEntry },
  { method: 'POST', path: /^\/v1\/topics\/([^/]+)\/lines$/, run: postLines },
  {
    method: 'PUT',
    path: /^\/v1\/blocked\/([^/]+)$/,
    run: ({ node, params, response }) => block(node, params, response, true),
  },
  {
    method: 'DELETE',
    path: /^\/v1\/blocked\/([^/]+)$/,
    run: ({ node, params, response }) => block(node, params, response, false),
  },
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

async function getEntries({ node, response, params: [topic = ''], query, signal }: Call): Promise<void> {
  const from = query.get('from') === 'end' ? 'end' : Number(query.get('from') ?? 1);
  const follow = query.get('follow') === 'true';
  // Who waits for entries to come wants the topic followed; who asks what is there may have misspelt it.
  if (!follow && !node.follows(topic)) {
    const advice = `publish to it, tail it, or start the node with --topic ${topic}`;
    throw new NodeError('request-refused', `this node does not follow ${topic}: ${advice}`);
  }
  const entries = node.topic(topic).entries({ from, follow, signal });
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  for await (const entry of entries) await write(response, line(entryJson(entry)), signal);
  response.end();
}

async function postEntry({ node, request, response, params: [topic = ''] }: Call): Promise<void> {
  const payload = await readAll(request, PROTOCOL.payloadBytesMax);
  respond(response, 200, await node.topic(topic).publish(payload));
}

/** Each line of the body is an entry; the answer has a line for each, in order, as soon as it is durable. */
async function postLines({ node, request, response, params: [name = ''], signal }: Call): Promise<void> {
  const topic = node.topic(name);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const inFlight: Promise<void>[] = [];
  let answered = Promise.resolve();
  let number = 0;
  for await (const payload of readLines(request, PROTOCOL.payloadBytesMax + 1)) {
    const published = publishLine(topic, payload, ++number).then(line, (error: unknown) =>
      line(errorJson(error)),
    );
    answered = answered.then(async () => write(response, await published, signal));
    inFlight.push(answered);
    if (inFlight.length >= LINES_IN_FLIGHT_MAX) await inFlight.shift();
    if (signal.aborted) return;
  }
  await answered;
  response.end();
}

async function publishLine(topic: TopicHandle, payload: Uint8Array, number: number): Promise<Published> {
  if (payload.length <= PROTOCOL.payloadBytesMax) return topic.publish(payload);
  const message = `line ${number} has more than ${PROTOCOL.payloadBytesMax} bytes, which is what an entry takes`;
  throw new GossipError('payload-too-large', message);
}

async function block(
  node: IcnNode,
  [did = '']: readonly string[],
  response: ServerResponse,
  isBlocked: boolean,
): Promise<void> {
  const peer = parseDid(did);
  await (isBlocked ? node.block(peer) : node.unblock(peer));
  respond(response, 200, { did: peer, blocked: isBlocked });
}

function respond(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(line(body));
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

/** Writes, and waits while the reader is slow. */
async function write(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted || response.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    signal.addEventListener('abort', done);
  });
}
