import { describe, expect, it } from '@jest/globals';

import { blocksIn } from './markdown.js';
import { faultsOf } from './mermaid.js';
import { readRepositoryFile, repositoryFiles } from './repository.js';

const diagrams = repositoryFiles()
  .filter((path) => path.endsWith('.md'))
  .flatMap((page) => blocksIn(page, readRepositoryFile(page)))
  .filter(({ language }) => language === 'mermaid');

describe('the diagrams', () => {
  it.each(diagrams.map(({ page, line, text }) => [`${page}:${line}`, text]))('draw: %s', (_, text) => {
    expect(faultsOf(text)).toEqual([]);
  });

  it('are there: push, pull, anti-entropy, subscription, and the way to the subscriber', () => {
    const { length } = diagrams.filter(({ page }) => page === 'docs/course/08-network-and-gossip.md');
    expect(length).toBeGreaterThanOrEqual(5);
  });
});

describe('the check', () => {
  it.each([
    ['an arrow to nobody', 'sequenceDiagram\nparticipant A\nA->>B: hello'],
    ['an arrow without words', 'sequenceDiagram\nparticipant A\nA->>A'],
    ['a note over nobody', 'sequenceDiagram\nparticipant A\nNote over B: hm'],
    ['a semicolon', 'sequenceDiagram\nparticipant A\nA->>A: one; two'],
    ['a block without end', 'sequenceDiagram\nparticipant A\nalt this\nA->>A: x'],
    ['an end without block', 'sequenceDiagram\nparticipant A\nend'],
    ['else in a loop', 'sequenceDiagram\nparticipant A\nloop x\nelse y\nend'],
    ['an unknown kind', 'piechart\nA'],
    ['nothing', 'sequenceDiagram\n'],
    ['a bracket in a label', 'flowchart LR\na[f(x)] --> b'],
    ['a bracket that is not closed', 'flowchart LR\na[x --> b'],
    ['a word of Mermaid as a node', 'flowchart LR\na --> end'],
    ['an arrow of another kind', 'flowchart LR\na => b'],
  ])('finds %s', (_, diagram) => {
    expect(faultsOf(diagram)).not.toEqual([]);
  });

  it.each([
    [
      'a conversation',
      'sequenceDiagram\nparticipant A as Ada\nparticipant B\nA->>B: hi (x)\nNote over A,B: hm\nalt a\nB-->>A: y\nelse b\nA->>A: z\nend',
    ],
    ['a way', 'flowchart TD\na([x]) -- y, z --> b{q?} --> c[(store)]\nc --> a'],
  ])('accepts %s', (_, diagram) => {
    expect(faultsOf(diagram)).toEqual([]);
  });
});
