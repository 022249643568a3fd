import type { EntryJson } from '../json.js';

/** Writes one line to standard output. Ends the process quietly once nobody reads it (`icn tail | head`). */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: object): void {
  print(JSON.stringify(value));
}

/** A DID as people can tell it from others at a glance; never to be parsed. */
export function shortDid(did: string): string {
  return `${did.slice(0, 'did:icn:z'.length + 6)}…${did.slice(-4)}`;
}

export function entryLine(entry: EntryJson): string {
  return `${String(entry.position).padStart(6)}  ${shortDid(entry.author)}  ${payloadText(entry)}`;
}

export function payloadText({ payload, payloadBase64 }: EntryJson): string {
  if (payload !== null) return printable(payload);
  return payloadBase64 === undefined ? '(pruned)' : `(not text) ${payloadBase64}`;
}

/** What a stranger wrote, without what would steer the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (char) => (char === '\t' ? ' ' : '�'));
}

/** `icn entries | head` closes our output: that is the end of the work, not a failure. */
export function endWhenNobodyReads(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}
