import { parseTopic } from '@icn/gossip';
import { generateKeyPair } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import { sessionLines } from '../src/cli/sync.js';
import { sessionsJson } from '../src/json.js';
import type { SessionBill } from '../src/index.js';

const bill: SessionBill = {
  peer: generateKeyPair().did,
  topic: parseTopic('lobby'),
  role: 'asked',
  startedAtMs: 1_000,
  endedAtMs: 1_250,
  strategy: 'sketch',
  why: 'a sketch of 12 heads is smaller than a clock of 3,000',
  outcome: 'repaired',
  sentBytes: 120,
  receivedBytes: 80,
  roundTrips: 2,
  differenceCount: 12,
  entriesReceived: 500,
  entriesSent: 1,
  boundBytes: 16,
};

const linesOf = (...bills: readonly SessionBill[]) => [
  ...sessionLines(sessionsJson('lobby', bills).sessions, 4_000),
];

describe('the bill of a session', () => {
  it('says why the strategy was chosen, and what it cost against the bound', () => {
    const [titles, row, sentence] = linesOf(bill);
    expect(titles).toMatch(/^peer .* differ$/);
    expect(row).toMatch(
      /^did:icn:z\w{6}…\w{4} {2}asked {2}3\.00 s ago {2}0\.25 s {2}repaired {2}sketch {4}120 B {6}80 B {6}2 {6}12$/,
    );
    expect(sentence).toBe(
      '    sketch: a sketch of 12 heads is smaller than a clock of 3,000; 500 entries came, 1 went; ' +
        '200 bytes to tell which, 12.5 times the 16 bytes that no protocol can go below.',
    );
  });

  it('does not say that nothing differed where all did', () => {
    const lines = linesOf({ ...bill, differenceCount: 1, entriesReceived: 1, entriesSent: 0, boundBytes: 0 });
    expect(lines[2]).toMatch(/where all that there is differed\.$/);
  });

  it('says nothing of what is not known', () => {
    const open = { ...bill, endedAtMs: undefined, differenceCount: 0, boundBytes: 0 };
    const lines = linesOf({ ...open, outcome: 'under-way' }, bill);
    expect(lines).toHaveLength(5);
    expect(lines[1]).toMatch(/ago {2}- .* under-way .* 0$/);
    expect(lines[2]).toMatch(/200 bytes to tell which, where nothing differed\.$/);
    expect(linesOf()).toEqual([expect.stringMatching(/^no sessions yet/)]);
  });
});
