import { describe, expect, it } from '@jest/globals';
import { drawSequence, type DiagramRow } from '../src/show/sequence-diagram.js';

const arrow = (from: number, to: number, text: string, lost = false): DiagramRow => ({
  type: 'arrow',
  atMs: 7,
  from,
  to,
  text,
  lost,
});

describe('a sequence diagram', () => {
  it('has a column for each node, arrows that point where they go, and crosses where they end', () => {
    const rows: DiagramRow[] = [
      arrow(0, 1, 'hello'),
      arrow(1, 0, 'hello back', true),
      { type: 'note', atMs: 12.4, at: 1, text: 'delivers A/1' },
      { type: 'note', atMs: 20, at: undefined, text: 'the network heals' },
    ];
    expect(drawSequence(['A', 'B'], rows)).toEqual([
      '      ms   A                                             B',
      '       7   │─────────────────── hello ──────────────────▶│',
      '       7   │ ✕────────────── hello back ─────────────────│',
      '      12   │                                delivers A/1 ●',
      '      20   │ — the network heals —                       │',
    ]);
  });

  it('keeps every line as wide as its columns, however long the words', () => {
    const lines = drawSequence(
      ['A', 'B', 'C'],
      [arrow(0, 2, 'x'.repeat(500)), arrow(1, 2, 'y'.repeat(500), true)],
    );
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
    expect(lines[1]).toMatch(/…/);
  });
});
