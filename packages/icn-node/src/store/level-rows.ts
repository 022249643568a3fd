import type { ClosedLog, EntryId, Topic } from '@icn/gossip';
import { isDid } from '@icn/identity';
import { z } from 'zod';

/**
 * What a position holds in a `LevelStore`, as bytes: an id (32 bytes); an id and a byte of marks; or, always longer
 * than these, a withdrawal as JSON. A store that an earlier version wrote holds the first form alone.
 */
export type Row =
  | { readonly type: 'entry'; readonly id: EntryId; readonly late: boolean; readonly forked: boolean }
  | { readonly type: 'withdrawal'; readonly log: ClosedLog };

const ID_BYTES = 32;
const MARKS = { late: 1, forked: 2 } as const;

const logSchema = z.strictObject({
  author: z.string().refine(isDid),
  lane: z.union([z.literal(0), z.literal(1)]),
  from: z.number().int().positive(),
});

export function encodeRow(row: Row): Uint8Array {
  if (row.type === 'withdrawal') {
    const { author, lane, from } = row.log;
    return Buffer.from(JSON.stringify({ author, lane, from }));
  }
  const marks = (row.late ? MARKS.late : 0) | (row.forked ? MARKS.forked : 0);
  const id = Buffer.from(row.id, 'hex');
  return marks === 0 ? id : Buffer.concat([id, Uint8Array.of(marks)]);
}

/** Undefined where the bytes are damaged. */
export function decodeRow(bytes: Uint8Array): Row | undefined {
  if (bytes.length === ID_BYTES || bytes.length === ID_BYTES + 1) {
    const marks = bytes[ID_BYTES] ?? 0;
    const id = Buffer.from(bytes.subarray(0, ID_BYTES)).toString('hex') as EntryId;
    return { type: 'entry', id, late: (marks & MARKS.late) !== 0, forked: (marks & MARKS.forked) !== 0 };
  }
  try {
    const { data } = logSchema.safeParse(JSON.parse(Buffer.from(bytes).toString()));
    return data === undefined ? undefined : { type: 'withdrawal', log: data };
  } catch {
    return undefined;
  }
}

const POSITION_DIGITS = 16;

/** Keys of positions sort as the positions do. */
export function positionKey(topic: Topic, position: number): string {
  return `p${topic}\0${position.toString(16).padStart(POSITION_DIGITS, '0')}`;
}

export function positionOf(key: string): number {
  return Number.parseInt(key.slice(-POSITION_DIGITS), 16);
}
