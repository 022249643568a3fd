import { readFileSync, writeFileSync } from 'node:fs';
import { fromHex, toHex } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import { decodeEntry, decodeParts, verifyEntry } from '../src/entry/entry.js';
import { decodeMessage, encodeMessage } from '../src/wire/message-codec.js';
import { SketchDecoder } from '../src/repair/sketch.js';
import { SUMMARY_NUMBERS, TYPE_NUMBERS } from '../src/wire/message-schema.js';
import { u64FromBytes, u64ToBytes } from '../src/wire/u64.js';
import { entriesOf, SETTINGS, sidesOf } from './conversations.js';
import { buildVectors } from './vectors.js';

// With UPDATE_VECTORS set the files are written anew; their diff is a change of the protocol.
const FOLDER = new URL('../vectors/', import.meta.url);

function stored(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
}

describe('vectors', () => {
  it.each(Object.entries(buildVectors()))('%s says what the code does', (file, vectors) => {
    if (process.env['UPDATE_VECTORS'] !== undefined)
      writeFileSync(new URL(file, FOLDER), `${JSON.stringify(vectors, null, 2)}\n`);
    expect(stored(file)).toEqual(JSON.parse(JSON.stringify(vectors)));
  });

  it('entries.json holds entries that are taken', () => {
    for (const { encoded, header, payload, id } of stored('entries.json') as Record<string, string>[]) {
      const parts = decodeParts(fromHex(encoded!))!;
      expect([toHex(parts.header), toHex(parts.payload!)]).toEqual([header, payload]);
      const entry = decodeEntry(parts);
      expect(typeof entry === 'string' ? entry : verifyEntry(entry)).toMatchObject({ name: { id } });
    }
  });

  it('messages.json holds frames that are read and written alike', () => {
    for (const { frame } of stored('messages.json') as Record<string, string>[]) {
      const message = decodeMessage(fromHex(frame!));
      expect(typeof message === 'string' ? message : toHex(encodeMessage(message))).toBe(frame);
    }
  });

  it('messages.json has every type of message, and every summary', () => {
    const frames = (stored('messages.json') as Record<string, string>[]).map(({ frame }) => fromHex(frame!));
    const messages = frames.map(decodeMessage).filter((message) => typeof message !== 'string');
    expect(new Set(messages.map(({ type }) => type))).toEqual(new Set(Object.keys(TYPE_NUMBERS)));
    const summaries = messages.flatMap((message) =>
      message.type === 'AntiEntropy' && message.summary !== null ? [message.summary.type] : [],
    );
    expect(new Set(summaries)).toEqual(new Set(Object.keys(SUMMARY_NUMBERS)));
  });

  it('sketches.json holds symbols that show the difference', () => {
    const { decoding } = stored('sketches.json') as {
      decoding: { ours: Item[]; symbols: string; onlyOurs: string[]; onlyTheirs: string[] }[];
    };
    for (const { ours, symbols, onlyOurs, onlyTheirs } of decoding) {
      const own = new Set(ours.map(({ item }) => u64FromBytes(fromHex(item))));
      const difference = new SketchDecoder(own).add(fromHex(symbols))!;
      const shown = [difference.ours, difference.theirs].map((items) =>
        items.map((item) => toHex(u64ToBytes(item))).toSorted(),
      );
      expect(shown).toEqual([onlyOurs, onlyTheirs]);
    }
  });

  describe('conversations.json', () => {
    it.each(SETTINGS.flatMap((setting) => [1, 2].map((number) => ({ ...setting, number }))))(
      'holds what node $number says when the other is a record: $label',
      ({ number, ...setting }) => {
        const { conversations } = stored('conversations.json') as {
          conversations: { label: string; frames: { from: number; halfTrip: number; frame: string }[] }[];
        };
        const frames = conversations.find(({ label }) => label === setting.label)!.frames;
        const sides = sidesOf(setting);
        const node = sides[number - 1]!;
        const other = sides[2 - number]!.did;
        const expected = frames.filter(({ from }) => from === number).map(({ frame }) => frame);
        const spoken = node.tell({ type: 'peer-up', peer: other });
        let halfTrip = 0;
        let phase = 0;
        const nextPhase = () => {
          // What happens to the nodes between what they say: as in `converse`.
          phase++;
          node.nowMs += 6_000;
          if (phase === 2 && number === 2) node.hold(...entriesOf(setting));
          if ((phase === 1) === (number === 2)) spoken.push(...node.tell({ type: 'woke' }));
        };
        for (const { from, frame, halfTrip: next } of frames) {
          if (next < halfTrip) nextPhase();
          halfTrip = next;
          if (from === number) continue;
          spoken.push(...node.tell({ type: 'received', from: other, frame: fromHex(frame) }));
        }
        expect(spoken.map((frame) => toHex(frame))).toEqual(expected);
      },
    );
  });
});

interface Item {
  readonly id: string;
  readonly item: string;
}
