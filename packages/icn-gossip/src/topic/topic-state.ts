import type { Did } from '@icn/identity';
import { CausalOrder, type Turn } from './causal-order.js';
import type { EntryLinks } from '../entry/entry-header.js';
import type { EntryId, EntryName, Lane } from '../entry/entry-name.js';
import { HaveSet } from './have-set.js';
import { PROTOCOL, type GossipLimits } from '../limits.js';
import type { Topic } from '../topic.js';
import { rootRow, topicRoot } from './topic-root.js';
import type { HoldingCounts, LogName } from '../wire/messages.js';

/** An entry and the local position it was given, once and for ever (I7). */
export interface Delivery extends Turn {
  readonly position: number;
}

/** A log of the topic: one author's lane. */
interface Log {
  readonly author: Did;
  readonly lane: Lane;
  readonly held: HaveSet;
  /** The state's `version` when its heads last changed. */
  changedAt: number;
  /** Its heads as the root counts them; undefined where they changed since. */
  rootRows: readonly Uint8Array[] | undefined;
}

/**
 * Why a topic does not take an entry. All but `seq-wrong` are shortages: not the entry's fault, so it may be
 * taken later. `seq-wrong`: its seq does not follow that of its `prev`, so nobody ever links it.
 */
export type Refusal = 'topic-full' | 'logs-full' | 'parked-full' | 'seq-wrong';

/**
 * What this node holds of one topic: have-sets, root, causal order and positions. Knows nothing of peers,
 * messages or disks. Its root and its set of delivered entries follow from the set of accepted entries (I15).
 */
export class TopicState {
  readonly topic: Topic;
  readonly #network: string;
  readonly #limits: GossipLimits;
  readonly #logs = new Map<string, Log>();
  readonly #causal = new CausalOrder((dep) =>
    this.log(dep.author, dep.lane)
      ?.at(dep.seq)
      .find((id) => id.startsWith(dep.idPrefix)),
  );
  /** When to stop waiting for an entry's causal parents; oldest first, because the wait is the same for all. */
  readonly #waitEndsAtMs = new Map<EntryId, number>();
  /** Delivered in an earlier run, but not linked now, because the store lost a parent: never delivered twice. */
  readonly #deliveredUnlinked = new Set<EntryId>();
  #linkedCount = 0;
  #headCount = 0;
  #heldCount = 0;
  #lastPosition = 0;
  #version = 0;
  #root: Uint8Array | undefined;

  constructor(topic: Topic, network: string, limits: GossipLimits) {
    this.topic = topic;
    this.#network = network;
    this.#limits = limits;
  }

  /** Linked entries. */
  get entryCount(): number {
    return this.#linkedCount;
  }

  get headCount(): number {
    return this.#headCount;
  }

  /** Linked and parked entries. */
  get heldCount(): number {
    return this.#heldCount;
  }

  /** Lets a peer choose a summary that fits the difference. */
  get counts(): HoldingCounts {
    const parked = this.#heldCount - this.#linkedCount;
    return { heads: this.#headCount, held: this.#heldCount, parked };
  }

  /** Grows with each change of a head: names a state of the topic in this run. */
  get version(): number {
    return this.#version;
  }

  /** Whether it takes no more entries, of anyone. */
  get isFull(): boolean {
    return this.#heldCount >= this.#limits.entriesPerTopicMax;
  }

  get authorCount(): number {
    const authors = new Set<Did>();
    for (const { author, held } of this.#logs.values()) if (held.linkedCount > 0) authors.add(author);
    return authors.size;
  }

  get root(): Uint8Array {
    this.#root ??= topicRoot(this.#network, this.topic, [...this.#logs.values()].flatMap(rootRowsOf));
    return this.#root;
  }

  /** When `expire` has something to do. */
  get wakeAtMs(): number | undefined {
    const [first] = this.#waitEndsAtMs.values();
    return first;
  }

  log(author: Did, lane: Lane): HaveSet | undefined {
    return this.#logs.get(logKey(author, lane))?.held;
  }

  has({ author, lane, id }: EntryName): boolean {
    return this.log(author, lane)?.has(id) ?? false;
  }

  isLinked({ author, lane, id }: EntryName): boolean {
    return this.log(author, lane)?.isLinked(id) ?? false;
  }

  /** The linked heads of all logs. */
  *heads(): Generator<EntryName> {
    for (const log of this.#logs.values()) yield* headsOf(log);
  }

  /** The heads that changed since the state had `version`. */
  *headsSince(version: number): Generator<EntryName> {
    for (const log of this.#logs.values()) if (log.changedAt > version) yield* headsOf(log);
  }

  headCountSince(version: number): number {
    let count = 0;
    for (const { changedAt, held } of this.#logs.values()) if (changedAt > version) count += held.heads.size;
    return count;
  }

  /** All logs of which something is held. */
  *logs(): Generator<LogName & { readonly held: HaveSet }> {
    yield* this.#logs.values();
  }

  /** All linked entries, log by log in seq order. */
  *entries(): Generator<EntryName> {
    for (const { author, lane, held } of this.#logs.values()) {
      for (let seq = 1; seq <= held.linkedSeqMax; seq++) {
        for (const id of held.at(seq)) yield { author, lane, seq, id };
      }
    }
  }

  /** The last entry of a log that an author goes on after: the longest branch (then the smaller id). */
  lastOf(author: Did, lane: Lane): EntryName | undefined {
    let last: EntryName | undefined;
    for (const [id, seq] of this.log(author, lane)?.heads ?? []) {
      const isLonger = last === undefined || seq > last.seq || (seq === last.seq && id < last.id);
      if (isLonger) last = { author, lane, seq, id };
    }
    return last;
  }

  /** The deps of an entry that follows `prev` now. */
  frontier(prev: EntryName | undefined): EntryLinks['deps'] {
    return this.#causal.frontier(PROTOCOL.depsMax, prev);
  }

  /** Why an entry that `has` does not know is not taken, before anything of it is verified. */
  refusalOf(entry: EntryLinks): Refusal | undefined {
    const { name, prev } = entry;
    if (this.isFull) return 'topic-full';
    const log = this.log(name.author, name.lane);
    if (log === undefined && this.#logs.size >= this.#limits.logsPerTopicMax) return 'logs-full';
    if (log?.contradicts(entry) === true) return 'seq-wrong';
    const willPark = prev !== null && !log?.isLinked(prev);
    return willPark && (log?.parkedCount ?? 0) >= this.#limits.parkedPerLogMax ? 'parked-full' : undefined;
  }

  /** Takes an entry that `has` does not know; returns what is delivered now, with positions. */
  accept(entry: EntryLinks, nowMs: number): readonly Delivery[] {
    const linked = this.#insert(entry).filter(({ name }) => !this.#deliveredUnlinked.delete(name.id));
    const turns = this.#causal.add(linked);
    for (const { name } of linked) {
      if (this.#causal.isWaiting(name.id)) this.#waitEndsAtMs.set(name.id, nowMs + this.#limits.causalWaitMs);
    }
    return this.#assignPositions(turns);
  }

  /** Delivers what has waited long enough for parents that did not come. */
  expire(nowMs: number): readonly Delivery[] {
    const turns: Turn[] = [];
    for (const [id, endsAtMs] of this.#waitEndsAtMs) {
      if (endsAtMs > nowMs) break;
      this.#waitEndsAtMs.delete(id);
      turns.push(...this.#causal.waive(id));
    }
    return this.#assignPositions(turns);
  }

  /** Takes an entry that was delivered at `position` in an earlier run; positions ascending. */
  restore(entry: EntryLinks, position: number): void {
    this.#deliveredUnlinked.add(entry.name.id);
    for (const { name } of this.#insert(entry)) this.#deliveredUnlinked.delete(name.id);
    this.#causal.restore(entry);
    this.#lastPosition = Math.max(this.#lastPosition, position);
  }

  /** What was delivered at `position` in an earlier run cannot be read any more; nothing else is ever delivered there (I7). */
  skip(position: number): void {
    this.#lastPosition = Math.max(this.#lastPosition, position);
  }

  #insert(entry: EntryLinks): readonly EntryLinks[] {
    const { author, lane } = entry.name;
    const key = logKey(author, lane);
    let log = this.#logs.get(key);
    if (log === undefined)
      this.#logs.set(key, (log = { author, lane, held: new HaveSet(), changedAt: 0, rootRows: [] }));
    const { held } = log;
    const before = { heldCount: held.linkedCount + held.parkedCount, headCount: held.heads.size };
    const linked = held.insert(entry);
    this.#heldCount += held.linkedCount + held.parkedCount - before.heldCount;
    this.#headCount += held.heads.size - before.headCount;
    this.#linkedCount += linked.length;
    if (linked.length > 0) {
      this.#root = log.rootRows = undefined;
      log.changedAt = ++this.#version;
    }
    return linked;
  }

  #assignPositions(turns: readonly Turn[]): readonly Delivery[] {
    for (const { name } of turns) this.#waitEndsAtMs.delete(name.id);
    return turns.map((turn) => ({ ...turn, position: ++this.#lastPosition }));
  }
}

function headsOf({ author, lane, held }: Log): EntryName[] {
  return Array.from(held.heads, ([id, seq]) => ({ author, lane, seq, id }));
}

function rootRowsOf(log: Log): readonly Uint8Array[] {
  log.rootRows ??= headsOf(log).map(rootRow);
  return log.rootRows;
}

function logKey(author: Did, lane: Lane): string {
  return `${author}/${lane}`;
}
