import type { Did } from '@icn/identity';
import type { Counters } from '../bounds/counters.js';
import { encodedByteCount, entryByteCount, type EntryParts } from '../entry/entry.js';
import type { EntryId } from '../entry/entry-name.js';
import type { DropName } from '../drops.js';
import type { GossipLimits } from '../limits.js';
import type { Outbox } from '../outbox.js';
import { headHash } from '../repair/head-hash.js';
import { PeerBuckets } from '../bounds/peer-buckets.js';
import { PeerQuota } from '../bounds/peer-quota.js';
import type { Topic } from '../topic.js';
import type { TopicState } from '../topic/topic-state.js';
import { entriesOfAskedHeads } from './asked-heads.js';
import type { PullRequest } from '../wire/messages.js';

interface Serve {
  readonly peer: Did;
  readonly requestId: number;
  readonly topic: Topic;
  readonly ids: readonly EntryId[];
  readonly bytesMax: number;
  /** More was asked for than is looked up at once. */
  readonly isCut: boolean;
}

export interface PullServerOptions {
  readonly limits: GossipLimits;
  readonly outbox: Outbox;
  readonly counters: Counters<DropName>;
  /** What keys the sketches on the link to a peer. */
  readonly linkKey: (peer: Did) => bigint | undefined;
  /** An answer went out: so many bytes of frame besides the entries, and so many entries. */
  readonly onAnswered: (topic: Topic, peer: Did, byteCount: number, entryCount: number) => void;
}

/** So many times on the average one request may name an entry: by name, in a range and below a head, and once more (guess). */
const REPEATS_MAX = 4;

/** Requests by the heads of a sketch that are answered in a row, and each second, of a topic of 2,048 entries (guess). */
const SEARCHES_BURST_MAX = 256;
const SEARCHES_PER_SECOND = 32;
/** Entries whose search costs as much as a request does anyway (guess). */
const ENTRIES_PER_SEARCH = 2_048;

/**
 * Answers pull requests: finds the ids, has their bytes loaded, and sends them to the asker alone, within this
 * node's own caps whatever the asker's, and at least one entry whatever its size.
 */
export class PullServer {
  readonly #limits: GossipLimits;
  readonly #outbox: Outbox;
  readonly #counters: Counters<DropName>;
  readonly #linkKey: PullServerOptions['linkKey'];
  readonly #onAnswered: PullServerOptions['onAnswered'];
  readonly #serves = new Map<number, Serve>();
  readonly #quota: PeerQuota;
  readonly #searches = new PeerBuckets(SEARCHES_BURST_MAX, SEARCHES_PER_SECOND);

  constructor({ limits, outbox, counters, linkKey, onAnswered }: PullServerOptions) {
    this.#limits = limits;
    this.#linkKey = linkKey;
    this.#onAnswered = onAnswered;
    this.#outbox = outbox;
    this.#counters = counters;
    this.#quota = new PeerQuota(limits.servesPerPeerMax);
  }

  request(peer: Did, request: PullRequest, state: TopicState, nowMs: number): void {
    const { requestId, topic } = request;
    const isSearch = request.heads !== null;
    if (isSearch && !this.#searches.of(peer, nowMs).take(searchCost(state), nowMs))
      return this.#counters.add('pull-overload');
    const { ids, isCut } = this.#find(peer, request, state);
    const bytesMax = Math.min(request.bytesMax, this.#limits.responseBytesMax);
    const serve: Serve = { peer, requestId, topic, ids, bytesMax, isCut };
    if (ids.length === 0) return isOnlyEvidence(request) ? undefined : this.#respond(serve, []);
    if (!this.#quota.take(peer)) return this.#counters.add('pull-overload');
    this.#serves.set(this.#outbox.load(topic, ids, bytesMax), serve);
  }

  loaded(load: number, entries: readonly (EntryParts | undefined)[]): void {
    const serve = this.#serves.get(load);
    if (serve === undefined) return;
    this.#forget(load, serve);
    this.#respond(serve, entries);
  }

  dropPeer(peer: Did): void {
    for (const [load, serve] of this.#serves) if (serve.peer === peer) this.#forget(load, serve);
  }

  #forget(load: number, { peer }: Serve): void {
    this.#serves.delete(load);
    this.#quota.give(peer);
  }

  #respond(
    { peer, requestId, topic, ids, bytesMax, isCut }: Serve,
    loaded: readonly (EntryParts | undefined)[],
  ): void {
    const fitting = loaded.slice(0, countWithin(loaded, bytesMax));
    const more = isCut || fitting.length < ids.length;
    const entries = fitting.filter((parts) => parts !== undefined);
    const byteCount = this.#outbox.send([peer], { type: 'PullResponse', requestId, topic, entries, more });
    this.#onAnswered(topic, peer, byteCount - encodedByteCount(entries), entries.length);
  }

  #find(peer: Did, request: PullRequest, state: TopicState): { ids: EntryId[]; isCut: boolean } {
    const ids = new Set<EntryId>();
    let lookedCount = 0;
    for (const id of this.#asked(peer, request, state)) {
      const isEnough = ids.size >= this.#limits.responseEntriesMax;
      if (isEnough || ++lookedCount > REPEATS_MAX * this.#limits.responseEntriesMax)
        return { ids: [...ids], isCut: true };
      ids.add(id);
    }
    return { ids: [...ids], isCut: false };
  }

  /** All that is asked for and linked here (by its name also where it is parked), in the order in which it links. */
  *#asked(peer: Did, { missing, ranges, heads }: PullRequest, state: TopicState): Generator<EntryId> {
    for (const name of missing) if (state.has(name)) yield name.id;
    for (const { author, lane, from, to } of ranges) {
      const held = state.log(author, lane);
      const end = Math.min(to, held?.linkedSeqMax ?? 0);
      for (let seq = from; seq <= end; seq++) yield* held?.at(seq) ?? [];
    }
    const linkKey = heads === null ? undefined : this.#linkKey(peer);
    if (heads !== null && linkKey !== undefined)
      yield* entriesOfAskedHeads(state, heads, headHash(linkKey, heads.roundId));
  }
}

/** Heads are found, and what the asker holds of their logs, by hashing ids. */
function searchCost({ counts }: TopicState): number {
  return 1 + (counts.heads + counts.held) / ENTRIES_PER_SEARCH;
}

/** Such a request is answered by evidence alone. */
function isOnlyEvidence({ missing, ranges, heads, evidence }: PullRequest): boolean {
  return evidence.length > 0 && missing.length === 0 && ranges.length === 0 && heads === null;
}

/** How many of `entries` fit, but never none: what a store counts as bytes is not what a message needs. */
function countWithin(entries: readonly (EntryParts | undefined)[], bytesMax: number): number {
  let byteCount = 0;
  const tooMany = entries.findIndex((parts, index) => {
    byteCount += parts === undefined ? 0 : entryByteCount(parts);
    return index > 0 && byteCount > bytesMax;
  });
  return tooMany < 0 ? entries.length : tooMany;
}
