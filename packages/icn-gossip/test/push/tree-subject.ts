import type { VerifiedEntry } from '../../src/entry/entry.js';
import type { GossipLimits } from '../../src/limits.js';
import type { GossipMessage } from '../../src/wire/messages.js';
import { keyPair, logOf, TOPIC } from '../fixtures.js';
import { Subject } from '../subject.js';

export const PRUNE: GossipMessage = { type: 'Prune', topic: TOPIC };

/** The node among so many followers that there is a tree. Rounds are far off. */
export function inTree(limits: Partial<GossipLimits> = {}, peers = [2, 3, 4, 5, 6, 7]): Subject {
  const subject = new Subject({
    limits: { antiEntropyIntervalMs: 1e9, shuffleIntervalMs: 1e9, ...limits },
  });
  subject.join();
  subject.meet(...peers);
  return subject;
}

export function names(...entries: readonly VerifiedEntry[]): GossipMessage {
  return {
    type: 'Announcements',
    topic: TOPIC,
    entries: [],
    names: entries.map(({ name }) => name),
    isRepair: false,
  };
}

export function pushes(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith('send'));
}

export const [first, second, third] = logOf(keyPair(9), 3) as [VerifiedEntry, VerifiedEntry, VerifiedEntry];
export const [other] = logOf(keyPair(13), 1) as [VerifiedEntry];
