import type { EntryId } from '../entry/entry-name.js';
import type { HeadHash } from '../repair/head-hash.js';
import type { HaveSet } from '../topic/have-set.js';
import type { TopicState } from '../topic/topic-state.js';
import type { HeadsRequest } from '../wire/messages.js';

/** Ids that one request may have looked at in search of those that the asker holds (guess); each is hashed once. */
const LOOKED_AT_MAX = 65_536;

interface AskedHead {
  readonly seq: number;
  readonly id: EntryId;
  /** The seq up to which the asker holds the log; undefined where none of its ids was found there. */
  from: number | undefined;
}

/** A log with heads that are asked for. */
interface AskedLog {
  readonly held: HaveSet;
  readonly heads: readonly AskedHead[];
  /** It has a head that is not asked for: one that the asker holds. */
  readonly hasOther: boolean;
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
  hashOf: HeadHash,
): Generator<EntryId> {
  const hash = remembering(hashOf);
  const logs = findLogs(state, new Set(wants), hash);
  const unfound = new Set(haves);
  let looksLeft = LOOKED_AT_MAX;
  for (const { held, heads } of logs) for (const head of heads) looksLeft = search(held, head, looksLeft);
  for (const { held, heads, hasOther } of logs) {
    for (const { seq, id, from } of heads) {
      const mayBeKnown = unfound.size > 0 || hasOther;
      if (from === undefined && mayBeKnown && seq > 1) yield id;
      else for (let next = (from ?? 0) + 1; next <= seq; next++) yield* held.at(next);
    }
  }

  /** Looks down a log for what the asker holds of it, an id each; returns how many more ids may be looked at. */
  function search(held: HaveSet, head: AskedHead, looksMax: number): number {
    let left = looksMax;
    for (let seq = head.seq - 1; seq > 0 && unfound.size > 0 && left > 0; seq--) {
      for (const id of held.at(seq)) {
        if (left-- <= 0) return 0;
        if (!unfound.delete(hash(id))) continue;
        head.from = seq;
        return left;
      }
    }
    return left;
  }
}

function remembering(hash: HeadHash): HeadHash {
  const hashes = new Map<EntryId, bigint>();
  return (id) => {
    let known = hashes.get(id);
    if (known === undefined) hashes.set(id, (known = hash(id)));
    return known;
  };
}

/** The logs of the wanted heads. */
function findLogs(state: TopicState, wants: ReadonlySet<bigint>, hash: HeadHash): AskedLog[] {
  const logs: AskedLog[] = [];
  for (const { held } of state.logs()) {
    const heads: AskedHead[] = [];
    for (const [id, seq] of held.heads) if (wants.has(hash(id))) heads.push({ seq, id, from: undefined });
    if (heads.length > 0) logs.push({ held, heads, hasOther: heads.length < held.heads.size });
  }
  return logs;
}
