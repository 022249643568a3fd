import type { Did } from '@icn/identity';
import type { Counters } from '../bounds/counters.js';
import type { DropName } from '../drops.js';
import type { EntryName } from '../entry/entry-name.js';
import type { GossipLimits } from '../limits.js';
import type { PeerQuota } from '../bounds/peer-quota.js';
import type { TopicContext } from '../topic/topic-context.js';
import type { TopicState } from '../topic/topic-state.js';
import type { HeadsRequest, LogRange } from '../wire/messages.js';
import { HeadTurn } from './head-turn.js';
import {
  isMet,
  keyOf,
  missingOf,
  nextAfter,
  stretchOf,
  widest,
  type Answer,
  type HeadRound,
  type HeadWant,
  type Want,
} from './want.js';

interface Wanted {
  want: Want;
  /** Peers that said they hold it and have not failed to send it. */
  readonly sources: Set<Did>;
  /** The requests under way for it, and which part of a range each is for: a range alone may be asked of several peers. */
  readonly asked: Map<number, readonly LogRange[]>;
}

interface Request {
  readonly peer: Did;
  readonly keys: readonly string[];
  /** Undefined once given up: a late answer is still taken, but nothing waits for it. */
  endsAtMs: number | undefined;
}

/** What to ask one peer for. */
export interface Ask {
  readonly requestId: number;
  readonly missing: readonly EntryName[];
  readonly ranges: readonly LogRange[];
  readonly heads: HeadsRequest | null;
}

/** A range that several peers hold is asked of them in parts of so many entries at most (guess: a few dozen KiB each). */
const PART_ENTRIES = 256;
/** Parts are smaller where many peers share what may wait above a hole, but not below this (guess). */
const PART_ENTRIES_MIN = 16;
/** Ranges in one request, and those of one log more: with the longest numbers about 350 KiB, within a frame. */
const RANGES_PER_REQUEST = 16_384;
/** Requests under way to one peer: while it answers one it reads the next (guess). */
const PER_PEER_MAX = 2;
/** Requests given up that a late answer may still meet, per topic (guess). */
const GIVEN_UP_MAX = 64;

/**
 * What a topic lacks, who has it, and who is being asked.
 *
 * - Each want is asked of one peer at a time, a range that several hold in parts, and each peer has two requests
 *   under way at most: a lost answer costs one timeout and blocks nobody.
 * - A peer that stays silent, or does not send what it named, is no longer a source of that.
 * - A want without a source is forgotten; the next round finds it again. So nothing waits here for ever, and
 *   what each peer can make this node want is bounded (`wantsPerPeerMax`).
 */
export class WantList {
  readonly #state: TopicState;
  readonly #limits: GossipLimits;
  readonly #quota: PeerQuota;
  readonly #counters: Counters<DropName>;
  readonly #wants = new Map<string, Wanted>();
  /** Keys of the wants that a peer is a source of; no peer without one. */
  readonly #keysOf = new Map<Did, Set<string>>();
  readonly #requests = new Map<number, Request>();
  /** The requests under way, in the order in which they end. */
  readonly #underWay = new Set<Request>();
  #lastRequestId = 0;
  readonly #headTurn: HeadTurn;
  /** Peers that let a request time out and brought nothing since: others are asked first. */
  readonly #silent = new Set<Did>();

  constructor(
    state: TopicState,
    { limits, wantQuota, counters }: Pick<TopicContext, 'limits' | 'wantQuota' | 'counters'>,
  ) {
    this.#state = state;
    this.#limits = limits;
    this.#quota = wantQuota;
    this.#counters = counters;
    this.#headTurn = new HeadTurn(limits.pullTimeoutMs);
  }

  get size(): number {
    return this.#wants.size;
  }

  /** When `expire` has something to do. Requests end in the order in which they began. */
  get wakeAtMs(): number | undefined {
    const [first] = this.#underWay;
    return first?.endsAtMs;
  }

  /**
   * Notes that `peer` holds something; unless that could not be taken, or the peer has named too much already. Returns
   * false where it is lacking and yet not asked for now, so that a later round has to name it again.
   */
  add(want: Want, peer: Did): boolean {
    if (isMet(want, this.#state)) return true;
    if (this.#state.isFull) return this.#refuse('topic-full', true);
    if (want.type === 'head' && !this.#headTurn.take(want.round)) return this.#refuse('heads-waiting');
    const key = keyOf(want);
    const keys = this.#keysOf.get(peer);
    const isSource = keys?.has(key) === true;
    if (!isSource && !this.#quota.take(peer)) return this.#refuse('wants-full');
    if (keys === undefined) this.#keysOf.set(peer, new Set([key]));
    else keys.add(key);
    const wanted = this.#wants.get(key);
    if (wanted === undefined) {
      this.#wants.set(key, { want, sources: new Set([peer]), asked: new Map() });
      if (want.type === 'head') this.#headTurn.added();
    } else {
      wanted.want = widest(wanted.want, want);
      wanted.sources.add(peer);
    }
    return true;
  }

  /** Peers that are a source of something. */
  sources(): readonly Did[] {
    return [...this.#keysOf.keys()];
  }

  /** The next request to `peer`, unless it has its share under way or there is nothing to ask it for. */
  ask(peer: Did, nowMs: number): Ask | undefined {
    this.#headTurn.goOn(nowMs);
    if (this.#underWayTo(peer) >= PER_PEER_MAX) return undefined;
    const requestId = this.#lastRequestId + 1;
    const chosen = this.#choose(peer, requestId);
    if (chosen.length === 0) return undefined;
    this.#lastRequestId = requestId;
    const missing: EntryName[] = [];
    const ranges: LogRange[] = [];
    const heads: HeadWant[] = [];
    for (const { want, asked } of chosen) {
      if (want.type === 'entry') missing.push(want.name);
      if (want.type === 'head') heads.push(want);
      ranges.push(...(asked.get(requestId) ?? []));
    }
    const keys = chosen.map(({ want }) => keyOf(want));
    const request: Request = { peer, keys, endsAtMs: nowMs + this.#limits.pullTimeoutMs };
    this.#requests.set(requestId, request);
    this.#underWay.add(request);
    return { requestId, missing, ranges, heads: headsRequest(heads) };
  }

  /** Whether `peer` was asked that; each request is answered once. */
  expects(requestId: number, peer: Did): boolean {
    return this.#requests.get(requestId)?.peer === peer;
  }

  /**
   * Closes a request after its answer was taken in. What is met is wanted no more. What is not: asked again of
   * the same peer as far as it has more to give, else of others.
   */
  settle(requestId: number, answer: Answer): void {
    const request = this.#requests.get(requestId);
    if (request === undefined) return;
    this.#requests.delete(requestId);
    this.#underWay.delete(request);
    if (answer.hasNews) this.#silent.delete(request.peer);
    for (const key of request.keys) {
      const wanted = this.#wants.get(key);
      if (wanted === undefined) continue;
      const parts = wanted.asked.get(requestId);
      wanted.asked.delete(requestId);
      if (isMet(wanted.want, this.#state)) {
        this.#forget(key);
        continue;
      }
      const isWhole = wanted.want.type !== 'range' || parts?.at(-1)?.to === wanted.want.to;
      const next = nextAfter(wanted.want, answer, isWhole);
      if (next === undefined) this.#removeSource(key, request.peer);
      else if (parts !== undefined) wanted.want = next;
    }
  }

  /** Gives up requests that were not answered in time; their wants are asked of other peers. Returns how many. */
  expire(nowMs: number): number {
    let expiredCount = 0;
    for (const [requestId, request] of this.#requests) {
      if (request.endsAtMs === undefined) continue;
      if (request.endsAtMs > nowMs) break;
      this.#giveUp(requestId, request);
      expiredCount++;
    }
    for (const [requestId, { endsAtMs }] of this.#requests) {
      if (this.#requests.size - this.#underWay.size <= GIVEN_UP_MAX) break;
      if (endsAtMs === undefined) this.#requests.delete(requestId);
    }
    return expiredCount;
  }

  /** The peer is gone, and with it what it was asked for. */
  dropPeer(peer: Did): void {
    for (const [requestId, request] of this.#requests) {
      if (request.peer !== peer) continue;
      this.#giveUp(requestId, request);
      this.#requests.delete(requestId);
    }
    for (const key of this.#keysOf.get(peer) ?? []) this.#removeSource(key, peer);
    this.#silent.delete(peer);
  }

  /** Whether nothing is wanted of `peer` that is not held. */
  isDrained(peer: Did): boolean {
    return !this.#keysOf.has(peer);
  }

  /** What `peer` can be asked for at once. A branch is asked for alone, so that its answer tells how it went. */
  #choose(peer: Did, requestId: number): Wanted[] {
    const chosen: Wanted[] = [];
    let round: HeadRound | undefined;
    let rangeCount = 0;
    for (const key of this.#keysOf.get(peer) ?? []) {
      const wanted = this.#wants.get(key);
      if (wanted === undefined) continue;
      const { want } = wanted;
      if (isMet(want, this.#state)) {
        this.#forget(key);
        continue;
      }
      if (want.type === 'branch' && chosen.length > 0) continue;
      if (want.type === 'head' && round !== undefined && want.round !== round) continue;
      const parts = this.#partsOf(wanted, peer);
      if (parts === undefined) continue;
      if (want.type === 'head') round = want.round;
      wanted.asked.set(requestId, parts);
      chosen.push(wanted);
      rangeCount += parts.length;
      const isFull = chosen.length >= this.#limits.wantsPerRequestMax || rangeCount >= RANGES_PER_REQUEST;
      if (want.type === 'branch' || isFull) break;
    }
    return chosen;
  }

  /** The ranges to ask for, none for what has a name; undefined where all that is missing is under way. */
  #partsOf({ want, asked, sources }: Wanted, peer: Did): readonly LogRange[] | undefined {
    const answering = [...sources].filter((source) => !this.#silent.has(source)).length;
    if (answering > 0 && this.#silent.has(peer)) return undefined;
    if (want.type !== 'range') {
      if (asked.size > 0) return undefined;
      return want.type === 'branch' ? [stretchOf(want)] : [];
    }
    const sharing = answering === 0 ? sources.size : answering;
    const isShared = sharing > 1;
    const windowMax = isShared ? this.#limits.parkedPerLogMax : Number.MAX_SAFE_INTEGER;
    const share = Math.max(PART_ENTRIES_MIN, Math.floor(windowMax / (PER_PEER_MAX * sharing)));
    const countMax = isShared ? Math.min(PART_ENTRIES, share) : Number.MAX_SAFE_INTEGER;
    const parts = missingOf(want, this.#state, [...asked.values()].flat(), countMax, windowMax);
    return parts.length === 0 ? undefined : parts;
  }

  #refuse(why: DropName, isForGood = false): boolean {
    this.#counters.add(why);
    return isForGood;
  }

  #underWayTo(peer: Did): number {
    let count = 0;
    for (const request of this.#underWay) if (request.peer === peer) count++;
    return count;
  }

  #giveUp(requestId: number, request: Request): void {
    if (request.endsAtMs === undefined) return;
    request.endsAtMs = undefined;
    this.#underWay.delete(request);
    this.#silent.add(request.peer);
    for (const key of request.keys) {
      const wanted = this.#wants.get(key);
      wanted?.asked.delete(requestId);
      this.#removeSource(key, request.peer);
    }
  }

  #forget(key: string): void {
    for (const peer of this.#wants.get(key)?.sources ?? []) this.#removeSource(key, peer);
  }

  #removeSource(key: string, peer: Did): void {
    const wanted = this.#wants.get(key);
    if (wanted === undefined || !wanted.sources.delete(peer)) return;
    if (wanted.sources.size === 0) {
      this.#wants.delete(key);
      if (wanted.want.type === 'head') this.#headTurn.removed();
    }
    this.#quota.give(peer);
    const keys = this.#keysOf.get(peer);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysOf.delete(peer);
  }
}

function headsRequest(wants: readonly HeadWant[]): HeadsRequest | null {
  const round = wants[0]?.round;
  if (round === undefined) return null;
  const tops = Array.from(round.logs, ({ topId }) => topId).filter((id) => id !== undefined);
  return { roundId: round.roundId, wants: wants.map(({ hash }) => hash), haves: tops.map(round.hash) };
}
