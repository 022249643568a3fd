import { parseDid } from '@icn/identity';
import { lineCharsMax } from '@icn/identity/trust';
import { explanationJson, statementJson, trustedJson } from '../trust/trust-json.js';
import { line, respond, respondLines, write, type Call, type Route } from './call.js';
import { readLines } from './read-input.js';

/** What the control socket does with trust. */
export const TRUST_ROUTES: readonly Route[] = [
  { method: 'GET', path: /^\/v1\/trust$/, run: getTrusted },
  { method: 'GET', path: /^\/v1\/trust\/([^/]+)$/, run: explain },
  { method: 'PUT', path: /^\/v1\/trust\/([^/]+)$/, run: set },
  { method: 'DELETE', path: /^\/v1\/trust\/([^/]+)$/, run: revoke },
  { method: 'GET', path: /^\/v1\/trust-lines$/, run: exportLines },
  { method: 'POST', path: /^\/v1\/trust-lines$/, run: importLines },
];

async function getTrusted({ node, response, signal }: Call): Promise<void> {
  respondLines(response);
  for (const one of node.trust.trusted()) {
    if (signal.aborted) return;
    await write(response, line(trustedJson(one)), signal);
  }
  response.end();
}

async function explain({ node, response, params: [did = ''] }: Call): Promise<void> {
  const explanation = node.trust.explain(parseDid(did));
  respond(response, 200, explanationJson(explanation, node.trust.classOf(explanation.did)));
}

async function set({ node, response, query, params: [did = ''] }: Call): Promise<void> {
  const [score, days] = ['score', 'days'].map((name) => Number(query.get(name) ?? Number.NaN));
  const statement = await node.trust.set(parseDid(did), score ?? Number.NaN, days);
  respond(response, 200, statementJson(statement));
}

async function revoke({ node, response, params: [did = ''] }: Call): Promise<void> {
  respond(response, 200, statementJson(await node.trust.revoke(parseDid(did))));
}

async function exportLines({ node, response, query, signal }: Call): Promise<void> {
  respondLines(response);
  for (const text of node.trust.exportLines(query.get('own') === 'true')) {
    if (signal.aborted) return;
    await write(response, line({ line: text }), signal);
  }
  response.end();
}

async function importLines({ node, request, response }: Call): Promise<void> {
  respond(response, 200, await node.trust.import(textLines(request)));
}

/** A line that is too long comes one character longer than any statement, which the import refuses by name. */
async function* textLines(request: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  for await (const lines of readLines(request, { lineBytesMax: lineCharsMax + 1, togetherMax: 1 }))
    for (const bytes of lines) yield Buffer.from(bytes).toString('latin1');
}
