import { decodeMessage, type MessageFault } from '../wire/message-codec.js';
import type { GossipMessage } from '../wire/messages.js';
import type { EntryParts } from '../entry/entry.js';
import { entryIdOf, type EntryId } from '../entry/entry-name.js';

/** What a frame says, read from outside. */
export interface Reading {
  readonly message: GossipMessage | MessageFault;
  /** Entries that it carries with their payload. */
  readonly payloads: readonly EntryId[];
}

/** One frame goes to many nodes as one object, so it is read once. */
const readings = new WeakMap<Uint8Array, Reading>();

/** Reads a frame, whoever made it. Never throws. */
export function readFrame(frame: Uint8Array): Reading {
  let reading = readings.get(frame);
  if (reading === undefined) {
    const message = decodeMessage(frame);
    const payloads = typeof message === 'string' ? [] : carriedBy(message).flatMap(idOfFull);
    readings.set(frame, (reading = { message, payloads }));
  }
  return reading;
}

/** Entries in a message, with or without payload. */
export function carriedBy(message: GossipMessage): readonly EntryParts[] {
  if (message.type === 'Announcement') return message.entry === undefined ? [] : [message.entry];
  if (message.type === 'Announcements' || message.type === 'Equivocation') return message.entries;
  if (message.type === 'PullResponse') return message.entries.filter((parts) => parts !== undefined);
  return [];
}

function idOfFull({ header, payload }: EntryParts): EntryId[] {
  return payload === undefined ? [] : [entryIdOf(header)];
}
