import { type Did, sha256, toHex } from '@icn/identity';
import { asciiZ } from '../wire/ascii.js';

/** SHA-256 of an entry's header under a tag, as 64 lower-case hex digits. */
export type EntryId = string & { readonly entryIdBrand: unique symbol };

/** The part of a topic that an author writes to: 0 carries data, 1 the policies of an owned topic. */
export type Lane = 0 | 1;

/** Names one entry of a topic: its log (author and lane), its number there from 1, and its id. */
export interface EntryName {
  readonly author: Did;
  readonly lane: Lane;
  readonly seq: number;
  readonly id: EntryId;
}

const ID_TAG = asciiZ('icn/entry-id');

/** The id of the entry that has this header. */
export function entryIdOf(header: Uint8Array): EntryId {
  return toHex(sha256(ID_TAG, header)) as EntryId;
}

/** The id that 32 bytes from the wire stand for. */
export function entryIdFromBytes(bytes: Uint8Array): EntryId {
  return toHex(bytes) as EntryId;
}

/** The 32 bytes of an id. Filters ask for them by the ten thousand, so nothing is checked again here. */
export function entryIdToBytes(id: EntryId): Uint8Array {
  const bytes = new Uint8Array(id.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = (digitAt(id, 2 * index) << 4) | digitAt(id, 2 * index + 1);
  }
  return bytes;
}

/** The value of a lower-case hex digit: 0x30…0x39 or 0x61…0x66. */
function digitAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return (code & 0xf) + (code >> 6) * 9;
}
