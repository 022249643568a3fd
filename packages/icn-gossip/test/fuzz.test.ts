// The short form of `pnpm fuzz`: hostile frames and random commands, in worlds with and without room.

import { beforeAll, describe, expect, it } from '@jest/globals';
import { decodeMessage } from '../src/wire/message-codec.js';
import {
  FRAME_KINDS,
  kindOf,
  recordCorpus,
  runEpisode,
  type Climate,
  type Corpus,
  type EpisodeReport,
} from '../src/sim/fuzz/index.js';

const SEED = 1;

let corpus: Corpus;

beforeAll(() => {
  corpus = recordCorpus(SEED);
});

function episodeOf(episode: number, climate: Climate, frames: number): EpisodeReport {
  return runEpisode({ seed: SEED, episode, climate, frames, corpus });
}

/** What broke, with the command that shows it again. */
function broken({ episode, violations }: EpisodeReport): string[] {
  const replay = `pnpm fuzz --seed ${SEED} --episode ${episode} --trace`;
  return violations.map(({ invariant, node, detail }) => `${replay}: ${invariant} ${node} ${detail}`);
}

describe('what is twisted', () => {
  it('was said by honest nodes, and nothing that they say is left out', () => {
    const messages = Array.from(corpus.all(), (frame) => decodeMessage(frame));
    const kinds = messages.map((message) => (typeof message === 'string' ? message : kindOf(message)));
    expect(new Set(kinds)).toEqual(new Set(FRAME_KINDS));
  });
});

describe('5,000 hostile frames and random commands', () => {
  it.each<[Climate, number, number]>([
    ['open', 0, 3_000],
    ['tight', 10, 2_000],
  ])('in a world that is %s throw nothing and break nothing', (climate, episode, frames) => {
    const report = episodeOf(episode, climate, frames);
    expect(broken(report)).toEqual([]);
    expect(report.frames).toBeGreaterThanOrEqual(frames);
    // It is no use to be refused at the door: most frames are decoded, and many get further.
    const { taken = 0, 'message-malformed': malformed = 0 } = report.outcomes;
    expect(taken).toBeGreaterThan(frames / 10);
    expect(malformed).toBeLessThan((2 * frames) / 3);
    for (const craft of ['replayed', 'bytes', 'values', 'forged'] as const)
      expect(report.crafts[craft]).toBeGreaterThan(frames / 20);
    expect(Object.keys(report.commands).length).toBeGreaterThan(8);
  });

  it('are the same for the same seed and episode', () => {
    expect(episodeOf(7, 'open', 300)).toEqual(episodeOf(7, 'open', 300));
    expect(episodeOf(7, 'open', 300).outcomes).not.toEqual(episodeOf(8, 'open', 300).outcomes);
  });
});
