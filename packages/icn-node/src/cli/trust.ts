import { createReadStream, type ReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { parseScore } from '@icn/identity/trust';
import { ControlClient } from '../control/control-client.js';
import { NodeError } from '../errors.js';
import type { ExplanationJson, ImportJson, TrustedJson } from '../trust/trust-json.js';
import type { CommandOptions } from './commands.js';
import { plural, print, printJson, shortDid } from './output.js';

export async function setTrust(
  did: string,
  score: string,
  { dataDir, json, days }: CommandOptions & { days: string },
): Promise<number> {
  const client = new ControlClient(dataDir);
  const statement = await client.setTrust(did, parseScore(score) ?? Number.NaN, Number(days));
  const { subject, expiresMs } = statement;
  const text = `this node trusts ${subject} by ${statement.score}, until ${dateOf(expiresMs ?? 0)}`;
  await (json ? printJson(statement) : print(text));
  return 0;
}

export async function revokeTrust(did: string, { dataDir, json }: CommandOptions): Promise<number> {
  const client = new ControlClient(dataDir);
  const statement = await client.revokeTrust(did);
  const { score } = await client.explainTrust(did);
  const text = `taken back what this node said of ${statement.subject}; what others say makes it ${score}`;
  await (json ? printJson(statement) : print(text));
  return 0;
}

export async function showTrust({ dataDir, json }: CommandOptions): Promise<number> {
  let count = 0;
  for await (const one of new ControlClient(dataDir).trusted()) {
    count += 1;
    await (json ? printJson(one) : print(trustedLine(one)));
  }
  if (count === 0 && !json)
    await print('this node trusts nobody yet; say whom with: icn trust set <did> <score>');
  return 0;
}

export async function explainTrust(did: string, { dataDir, json }: CommandOptions): Promise<number> {
  const explanation = await new ControlClient(dataDir).explainTrust(did);
  if (json) await printJson(explanation);
  else for (const line of explanationLines(explanation)) await print(line);
  return 0;
}

/** The lines go to standard output, or to a file that must not be there yet. */
export async function exportTrust(
  path: string | undefined,
  { dataDir, json, own }: CommandOptions & { own: boolean },
): Promise<number> {
  const client = new ControlClient(dataDir);
  if (path === undefined || path === '-') {
    for await (const item of client.exportTrust(own)) await (json ? printJson(item) : print(item.line));
    return 0;
  }
  const lines = client.exportTrust(own);
  // Who does not answer is reported before there is a file.
  let next = await lines.next();
  const file = await createFile(path);
  let count = 0;
  try {
    for (; next.done !== true; next = await lines.next()) {
      await file.write(`${next.value.line}\n`);
      count += 1;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const result = { path, statements: count };
  await (json ? printJson(result) : print(`${plural(count, 'statement')} written to ${path}`));
  return 0;
}

/** Fails where a line was refused; what was good has been taken all the same. */
export async function importTrust(
  path: string | undefined,
  { dataDir, json }: CommandOptions,
): Promise<number> {
  const input = path === undefined || path === '-' ? process.stdin : await openInput(path);
  const report = await new ControlClient(dataDir).importTrust(input);
  if (json) await printJson(report);
  else for (const line of reportLines(report)) await print(line);
  return report.refused.length === 0 ? 0 : 1;
}

async function createFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    const message = `${path} is there already, and is not written over: name another file`;
    throw new NodeError('request-refused', message, { cause });
  }
}

async function openInput(path: string): Promise<ReadStream> {
  const handle = await open(path);
  return createReadStream(path, { fd: handle });
}

function trustedLine({ did, score, class: trustClass, own }: TrustedJson): string {
  return `${score.toFixed(3)}  ${trustClass.padEnd('federated'.length)}  ${did}${own ? '  (own statement)' : ''}`;
}

function* explanationLines(explanation: ExplanationJson): Generator<string> {
  const { did, score, class: trustClass, basis, path, vouchers, ratedAs } = explanation;
  yield `${did}  ${score}, ${trustClass}: ${BASES[basis]}`;
  for (const [index, step] of path.entries()) {
    const { issuer, subject, said, expiresMs } = step;
    const from = index === 0 ? 'this node' : shortDid(issuer);
    const left = index === 0 ? '' : `, which leaves ${step.score}`;
    yield `  ${from} says ${said} of ${shortDid(subject)}${left}  (until ${dateOf(expiresMs)})`;
  }
  if (basis === 'none' && vouchers > 0)
    yield `  ${plural(vouchers, 'DID')} would vouch for it, and this node trusts none of them near enough`;
  if (ratedAs !== trustClass) yield `  its messages are taken as those of class ${ratedAs}: see --strangers`;
}

const BASES: Readonly<Record<ExplanationJson['basis'], string>> = {
  self: 'it is this node itself',
  own: 'what this node says itself stands, whatever others say',
  path: 'by the best path of at most three statements',
  none: 'no path of statements leads there',
};

function* reportLines({ counts, refused }: ImportJson): Generator<string> {
  const all = Object.entries(counts);
  yield all.length === 0 ? 'no statements' : all.map(([name, count]) => `${name} ${count}`).join(', ');
  for (const { line, why } of refused) yield `  line ${line} was refused: ${why}`;
}

const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
