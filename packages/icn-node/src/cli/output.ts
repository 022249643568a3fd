import { once } from 'node:events';
import type { EntryJson, ItemJson, WithdrawnJson } from '../json.js';

/** Set once standard output is gone; what is printed after that is for nobody. */
let isLost = false;

/** Writes one line to standard output, and waits while its reader is slow. */
export async function print(text: string): Promise<void> {
  if (isLost || process.stdout.write(`${text}\n`)) return;
  await once(process.stdout, 'drain').catch(() => undefined);
}

export function printJson(value: object): Promise<void> {
  return print(JSON.stringify(value));
}

/** A DID as people can tell it from others at a glance; never to be parsed. */
export function shortDid(did: string): string {
  return `${did.slice(0, 'did:icn:z'.length + 6)}…${did.slice(-4)}`;
}

export function itemLine(item: ItemJson): string {
  const position = String(item.position).padStart(6);
  if (item.type === 'withdrawn') return `${position}  ${withdrawnText(item)}`;
  const marks = `${item.forked ? '  (forked)' : ''}${item.late ? '  (late)' : ''}`;
  return `${position}  ${shortDid(item.author)}  ${payloadText(item)}${marks}`;
}

/** What a notice says to people. */
export function withdrawnText({ author, from }: WithdrawnJson): string {
  return `${shortDid(author)}  withdrawn: entries from number ${from} on, because their author made others in their place`;
}

export function payloadText({ payload, payloadBase64 }: EntryJson): string {
  if (payload !== null) return printable(payload);
  return payloadBase64 === undefined ? '(pruned)' : `(not text) ${payloadBase64}`;
}

/** What a stranger wrote, without what would steer the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (char) => (char === '\t' ? ' ' : '�'));
}

export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}

/**
 * What to do when standard output fails. Commands end: quietly where their reader has seen enough
 * (`icn entries | head`), with a message where it could not be written. A node lives on without output.
 */
export function onOutputLost(reaction: 'end' | 'live-on'): void {
  process.stdout.removeAllListeners('error');
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    isLost = true;
    if (reaction === 'live-on') return;
    if (error.code !== 'EPIPE') process.stderr.write(`icn: cannot write the output: ${error.message}\n`);
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}
