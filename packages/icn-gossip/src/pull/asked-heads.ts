import type { EntryId } from '../entry/entry-name.js';
import type { HeadHash } from '../repair/head-hash.js';
import type { HaveSet } from '../topic/have-set.js';
import type { TopicState } from '../topic/topic-state.js';
import type { HeadsRequest } from '../wire/messages.js';

/** Ids that one request may have hashed, in search of those that the asker holds (guess: some 10 ms). */
const HASHED_MAX = 65_536;

interface AskedHead {
  readonly held: HaveSet;
  readonly seq: number;
  readonly id: EntryId;
  /** The seq up to which the asker holds the log; undefined where none of its ids was found there. */
  from: number | undefined;
}

/**
 * The entries that lead to heads which a peer saw in our sketch, each log in seq order: all above what the peer
 * said it holds there. Where one of its ids was found in no log it may be a branch that we lack, of any log; then
 * a head whose log cannot be told to be new to the peer goes alone, and the peer asks for the rest by name. So does
 * a head beside one that is not wanted: that one the peer has, which so names nothing of a log whose branch it lacks.
 */
export function* entriesOfAskedHeads(
  state: TopicState,
  { wants, haves }: HeadsRequest,
  hash: HeadHash,
): Generator<EntryId> {
  const wanted = new Set(wants);
  const heads = findHeads(state, wanted, hash);
  const unfound = new Set(haves);
  let hashedCount = 0;
  for (const head of heads) {
    for (let seq = head.seq; seq > 0 && head.from === undefined && unfound.size > 0; seq--) {
      if (++hashedCount > HASHED_MAX) break;
      const found = head.held
        .at(seq)
        .map(hash)
        .find((known) => unfound.has(known));
      if (found === undefined) continue;
      unfound.delete(found);
      head.from = seq;
    }
  }
  for (const { held, seq, id, from } of heads) {
    const mayBeKnown = unfound.size > 0 || [...held.heads.keys()].some((head) => !wanted.has(hash(head)));
    if (from === undefined && mayBeKnown && seq > 1) yield id;
    else for (let next = (from ?? 0) + 1; next <= seq; next++) yield* held.at(next);
  }
}

function findHeads(state: TopicState, wants: ReadonlySet<bigint>, hash: HeadHash): AskedHead[] {
  const heads: AskedHead[] = [];
  for (const { held } of state.logs()) {
    for (const [id, seq] of held.heads)
      if (wants.has(hash(id))) heads.push({ held, seq, id, from: undefined });
  }
  return heads;
}
