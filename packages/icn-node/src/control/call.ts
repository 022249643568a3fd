import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IcnNode } from '../node.js';

/** One request to the control socket, and how it is answered. */
export interface Call {
  readonly node: IcnNode;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What the groups of the route's path matched, decoded. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
}

export interface Route {
  readonly method: string;
  readonly path: RegExp;
  /** What it throws is answered as an error. */
  readonly run: (call: Call) => Promise<void>;
}

export function respond(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(line(body));
}

/** Begins an answer of any number of lines. */
export function respondLines(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
}

export function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

/** Writes, and waits while the reader is slow. */
export async function write(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
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
