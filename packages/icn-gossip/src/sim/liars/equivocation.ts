import { createEntry, type VerifiedEntry } from '../../entry/entry.js';
import type { EntryName } from '../../entry/entry-name.js';
import type { Topic } from '../../topic.js';
import type { Announcement } from '../../wire/messages.js';
import type { Lie, LiarContext, Speech } from './liar.js';

/** How an author forks its log. */
export type ForkShape =
  /** Two branches of one entry. */
  | 'fork'
  /** A trunk of which every entry has a second child: few of them make a log that is closed. */
  | 'comb'
  /** Nine children of one entry: the log is closed at once by whoever sees all. */
  | 'siblings'
  /** Two branches, one longer than what may wait above a hole. */
  | 'long-fork';

export interface EquivocationOptions {
  readonly shape: ForkShape;
  readonly topic: Topic;
  /** No entry is handed out after that, in the time of the node. */
  readonly untilMs: number;
  /** Entries of a long branch. */
  readonly longBranch?: number;
}

/**
 * Forks its own log, and hands each entry to one or two peers alone, by and by: no two peers need see the same branches
 * from it. The entries are all signed and well formed, so all of them are to reach everybody (I9).
 */
export function equivocation({ shape, topic, untilMs, longBranch = 40 }: EquivocationOptions): Lie {
  let entries: readonly VerifiedEntry[] | undefined;
  let next = 0;
  return {
    everyMs: 1_500,
    does(context, nowMs) {
      if (nowMs > untilMs || context.peers.length === 0) return [];
      entries ??= entriesOf(shape, topic, context, longBranch);
      const batch = entries.slice(next, next + 4);
      next += batch.length;
      return batch.map(({ name, parts }): Speech => {
        const message: Announcement = { type: 'Announcement', topic, name, entry: parts };
        return { to: context.random.sample(context.peers, 1 + context.random.below(2)), message };
      });
    },
  };
}

function entriesOf(
  shape: ForkShape,
  topic: Topic,
  context: LiarContext,
  longBranch: number,
): VerifiedEntry[] {
  const { keyPair, network } = context.setup;
  let made = 0;
  const after = (prev: EntryName | undefined): VerifiedEntry => {
    const fields = {
      network,
      topic,
      lane: 0,
      seq: (prev?.seq ?? 0) + 1,
      prev: prev?.id ?? null,
      deps: [],
    } as const;
    const payload = Uint8Array.from(`${shape} ${made++}`, (character) => character.charCodeAt(0));
    return createEntry(keyPair, { ...fields, timestampMs: 1 }, payload);
  };
  const branch = (from: EntryName | undefined, length: number): VerifiedEntry[] => {
    const entries: VerifiedEntry[] = [];
    for (let index = 0; index < length; index++) entries.push(after(entries.at(-1)?.name ?? from));
    return entries;
  };
  const trunk = branch(undefined, 3);
  const tip = trunk.at(-1)!.name;
  switch (shape) {
    case 'fork':
      return [...trunk, ...branch(tip, 2), ...branch(tip, 3)];
    case 'long-fork':
      return [...trunk, ...branch(tip, 2), ...branch(tip, longBranch)];
    case 'siblings':
      return [...trunk, ...Array.from({ length: 9 }, () => after(tip))];
    case 'comb': {
      const teeth = branch(tip, 10);
      return [...trunk, ...teeth.flatMap((entry) => [entry, after(entry.name)])];
    }
  }
}
