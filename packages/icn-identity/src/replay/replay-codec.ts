// The bytes of a guard's memory, private to this node. A record is 48 bytes: sender(32) ‖ sequence(8) ‖
// timestampMs(8), numbers big-endian. A snapshot is CBOR: [version, floorMs + 1, [[sender, highest, floorMs + 1,
// latestMs, bits] …]], followed by its SHA-256.

import { concatBytes, equalBytes } from '../bytes.js';
import { decodeCbor, encodeArray, encodeCbor } from '../cbor.js';
import { didFromPublicKey, publicKeyFromDid, type Did } from '../did.js';
import { sha256 } from '../sha256.js';
import { isPublicKey } from '../validity.js';
import { isSequence } from '../envelope/envelope-body.js';
import type { ReplayLimits, ReplayState, SenderRecord, Sighting } from './replay-state.js';
import { SlidingWindow } from './sliding-window.js';

/** The bytes of one sighting; batches are multiples of it. */
export const replayRecordBytes = 48;

const version = 1;
const digestBytes = 32;

export function encodeSighting({ sender, sequence, timestampMs }: Sighting): Uint8Array {
  const bytes = new Uint8Array(replayRecordBytes);
  bytes.set(publicKeyFromDid(sender));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(32, BigInt(sequence));
  view.setBigUint64(40, BigInt(timestampMs));
  return bytes;
}

/** The sightings of a batch; undefined where it is not one. */
export function decodeSightings(batch: Uint8Array): Sighting[] | undefined {
  if (batch.length % replayRecordBytes !== 0) return undefined;
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  const sightings: Sighting[] = [];
  for (let offset = 0; offset < batch.length; offset += replayRecordBytes) {
    const key = batch.subarray(offset, offset + 32);
    const sequence = Number(view.getBigUint64(offset + 32));
    const timestampMs = Number(view.getBigUint64(offset + 40));
    if (!isPublicKey(key) || !isSequence(sequence) || !Number.isSafeInteger(timestampMs)) return undefined;
    sightings.push({ sender: didFromPublicKey(key), sequence, timestampMs });
  }
  return sightings;
}

export function encodeSnapshot(state: ReplayState): Uint8Array {
  const rows = [...state.records].map(([sender, { window, floorMs, latestMs }]) =>
    encodeCbor([publicKeyFromDid(sender), window.highest, floorMs + 1, latestMs, window.toBytes()]),
  );
  const body = encodeArray([encodeCbor(version), encodeCbor(state.floorMs + 1), encodeArray(rows)]);
  return concatBytes(body, sha256(body));
}

/** Puts a snapshot into an empty state; false where the bytes are not one that {@link encodeSnapshot} wrote. */
export function restoreSnapshot(bytes: Uint8Array, state: ReplayState, limits: ReplayLimits): boolean {
  if (bytes.length < digestBytes) return false;
  const body = bytes.subarray(0, -digestBytes);
  if (!equalBytes(sha256(body), bytes.subarray(-digestBytes))) return false;
  const fields = decodeCbor(body);
  if (!Array.isArray(fields) || fields[0] !== version) return false;
  const [, floor, rows] = fields as [number, number, [Uint8Array, number, number, number, Uint8Array][]];
  const records = rows.map(([key, highest, floor, latestMs, bits]): readonly [Did, SenderRecord] => {
    const window = SlidingWindow.from(bits, highest, limits.windowSize);
    return [didFromPublicKey(key), { window, floorMs: floor - 1, latestMs }];
  });
  state.restore(floor - 1, records);
  return true;
}
