import type { Did } from '@icn/identity';
import type { Counters } from '../bounds/counters.js';
import type { DropName } from '../drops.js';
import type { EntryName } from '../entry/entry-name.js';
import type { GossipLimits } from '../limits.js';
import type { PeerQuota } from '../bounds/peer-quota.js';
import type { TopicContext } from '../topic/topic-context.js';
import type { TopicState } from '../topic/topic-state.js';
import type { LogRange } from '../wire/messages.js';
import { isMet, keyOf, nextAfter, rangeOf, widest, type Answer, type Want } from './want.js';

interface Wanted {
  want: Want;
  /** Peers that said they hold it and have not failed to send it. */
  readonly sources: Set<Did>;
  /** The request under way for it. */
  askedIn: number | undefined;
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
}

/** Requests given up that a late answer may still meet, per topic (guess). */
const GIVEN_UP_MAX = 64;

/**
 * What a topic lacks, who has it, and who is being asked.
 *
 * - Each want is asked of one peer at a time, and each peer has one request under way: a lost answer costs one
 *   timeout and blocks nobody.
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
  /** The request under way to each peer that has one. */
  readonly #busy = new Map<Did, Request>();
  #lastRequestId = 0;

  constructor(
    state: TopicState,
    { limits, wantQuota, counters }: Pick<TopicContext, 'limits' | 'wantQuota' | 'counters'>,
  ) {
    this.#state = state;
    this.#limits = limits;
    this.#quota = wantQuota;
    this.#counters = counters;
  }

  get size(): number {
    return this.#wants.size;
  }

  /** When `expire` has something to do. Requests end in the order in which they began. */
  get wakeAtMs(): number | undefined {
    const [first] = this.#busy.values();
    return first?.endsAtMs;
  }

  /** Notes that `peer` holds something; unless that could not be taken, or the peer has named too much already. */
  add(want: Want, peer: Did): void {
    if (isMet(want, this.#state)) return;
    if (this.#state.isFull) return this.#counters.add('topic-full');
    const key = keyOf(want);
    const keys = this.#keysOf.get(peer);
    const isSource = keys?.has(key) === true;
    if (!isSource && !this.#quota.take(peer)) return this.#counters.add('wants-full');
    if (keys === undefined) this.#keysOf.set(peer, new Set([key]));
    else keys.add(key);
    const wanted = this.#wants.get(key);
    if (wanted === undefined) {
      this.#wants.set(key, { want, sources: new Set([peer]), askedIn: undefined });
    } else {
      wanted.want = widest(wanted.want, want);
      wanted.sources.add(peer);
    }
  }

  /** Peers that are a source of something and have no request under way. */
  idlePeers(): readonly Did[] {
    return [...this.#keysOf.keys()].filter((peer) => !this.#busy.has(peer));
  }

  /** The next request to `peer`, unless it has one under way or there is nothing to ask it for. */
  ask(peer: Did, nowMs: number): Ask | undefined {
    if (this.#busy.has(peer)) return undefined;
    const chosen = this.#choose(peer);
    if (chosen.length === 0) return undefined;
    const requestId = ++this.#lastRequestId;
    const missing: EntryName[] = [];
    const ranges: LogRange[] = [];
    for (const { want } of chosen) {
      if (want.type === 'entry') missing.push(want.name);
      else ranges.push(rangeOf(want, this.#state));
    }
    for (const wanted of chosen) wanted.askedIn = requestId;
    const keys = chosen.map(({ want }) => keyOf(want));
    const request: Request = { peer, keys, endsAtMs: nowMs + this.#limits.pullTimeoutMs };
    this.#requests.set(requestId, request);
    this.#busy.set(peer, request);
    return { requestId, missing, ranges };
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
    if (this.#busy.get(request.peer) === request) this.#busy.delete(request.peer);
    for (const key of request.keys) {
      const wanted = this.#wants.get(key);
      if (wanted === undefined) continue;
      const isCurrent = wanted.askedIn === requestId;
      if (isCurrent) wanted.askedIn = undefined;
      if (isMet(wanted.want, this.#state)) {
        this.#forget(key);
        continue;
      }
      const next = nextAfter(wanted.want, answer);
      if (next === undefined) this.#removeSource(key, request.peer);
      else if (isCurrent) wanted.want = next;
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
      if (this.#requests.size - this.#busy.size <= GIVEN_UP_MAX) break;
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
  }

  /** Whether nothing is wanted of `peer` that is not held. */
  isDrained(peer: Did): boolean {
    return !this.#keysOf.has(peer);
  }

  /** What `peer` can be asked for at once. A branch is asked for alone, so that its answer tells how it went. */
  #choose(peer: Did): Wanted[] {
    const chosen: Wanted[] = [];
    for (const key of this.#keysOf.get(peer) ?? []) {
      const wanted = this.#wants.get(key);
      if (wanted === undefined || wanted.askedIn !== undefined) continue;
      if (isMet(wanted.want, this.#state)) {
        this.#forget(key);
        continue;
      }
      if (wanted.want.type === 'branch') {
        if (chosen.length === 0) return [wanted];
        continue;
      }
      chosen.push(wanted);
      if (chosen.length >= this.#limits.wantsPerRequestMax) break;
    }
    return chosen;
  }

  #giveUp(requestId: number, request: Request): void {
    if (request.endsAtMs === undefined) return;
    request.endsAtMs = undefined;
    this.#busy.delete(request.peer);
    for (const key of request.keys) {
      const wanted = this.#wants.get(key);
      if (wanted?.askedIn === requestId) wanted.askedIn = undefined;
      this.#removeSource(key, request.peer);
    }
  }

  #forget(key: string): void {
    for (const peer of this.#wants.get(key)?.sources ?? []) this.#removeSource(key, peer);
  }

  #removeSource(key: string, peer: Did): void {
    const wanted = this.#wants.get(key);
    if (wanted === undefined || !wanted.sources.delete(peer)) return;
    if (wanted.sources.size === 0) this.#wants.delete(key);
    this.#quota.give(peer);
    const keys = this.#keysOf.get(peer);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysOf.delete(peer);
  }
}
