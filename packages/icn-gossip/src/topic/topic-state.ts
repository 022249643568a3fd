import type { Did } from '@icn/identity';
import { CausalOrder, type Turn } from './causal-order.js';
import { DeliveryOrder, type Delivery } from './delivery-order.js';
import type { Dep, EntryLinks } from '../entry/entry-header.js';
import type { EntryId, EntryName, Lane } from '../entry/entry-name.js';
import { forksWith } from './forks.js';
import type { HaveSet, SeqRange } from './have-set.js';
import { headsOf, Logs, type Log } from './logs.js';
import type { GossipLimits } from '../limits.js';
import type { Topic } from '../topic.js';
import { topicRoot } from './topic-root.js';
import type { ClosedLog, HoldingCounts, LogName } from '../wire/messages.js';

/** A log was closed, or from a lower seq on than before. */
export interface Closing {
  readonly log: ClosedLog;
  /** The entries whose headers prove it, at most `PROTOCOL.witnessEntriesMax`. */
  readonly witness: readonly EntryId[];
  /** Where consumers are told of it; undefined where nothing left that they had been given. */
  readonly position: number | undefined;
}

/** What happened beside deliveries. */
export interface StateNews {
  readonly closings: readonly Closing[];
  /** Parked entries that made room for others nearer to the hole. */
  readonly evictedCount: number;
}

/**
 * Why a topic does not take an entry. `topic-full`, `logs-full` and `parked-full` are shortages: not the entry's
 * fault, so it may be taken later. `seq-wrong`: its seq does not follow that of its `prev`, so nobody ever links
 * it. `log-closed`: its author forked the log beyond bearing, at or below it.
 */
export type Refusal = 'topic-full' | 'logs-full' | 'parked-full' | 'seq-wrong' | 'log-closed';

/**
 * What this node holds of one topic: have-sets, root, causal order and positions. Knows nothing of peers,
 * messages or disks. Its root and its set of delivered entries follow from the set of accepted entries (I15).
 */
export class TopicState {
  readonly topic: Topic;
  readonly #network: string;
  readonly #limits: GossipLimits;
  readonly #logs = new Logs();
  readonly #order: DeliveryOrder;
  /** Delivered in an earlier run, but not linked now, because the store lost a parent: never delivered twice. */
  readonly #deliveredUnlinked = new Set<EntryId>();
  /** Linked entries that the store gave back undelivered; they have their turns once all that it holds is known. */
  #undelivered: EntryLinks[] = [];
  /** Entries ever written to the store: what leaves the topic stays there, so this bounds the disk. */
  #storedCount = 0;
  #closings: Closing[] = [];
  #evictedCount = 0;
  #root: Uint8Array | undefined;

  constructor(topic: Topic, network: string, limits: GossipLimits) {
    this.topic = topic;
    this.#network = network;
    this.#limits = limits;
    const linkedId = ({ author, lane, seq, idPrefix }: Dep) =>
      this.log(author, lane)
        ?.at(seq)
        .find((id) => id.startsWith(idPrefix));
    const isForked = ({ name, prev }: EntryLinks) =>
      this.log(name.author, name.lane)?.forks?.has({ seq: name.seq, prev }) ?? false;
    const causal = new CausalOrder(linkedId, (dep) => this.isClosed(dep));
    this.#order = new DeliveryOrder(causal, limits.causalWaitMs, isForked);
  }

  /** Linked entries. */
  get entryCount(): number {
    return this.#logs.linkedCount;
  }

  /** Entries that wait above a hole. */
  get parkedCount(): number {
    return this.#logs.parkedCount;
  }

  get headCount(): number {
    return this.#logs.headCount;
  }

  /** Lets a peer choose a summary that fits the difference. */
  get counts(): HoldingCounts {
    const { headCount, linkedCount, parkedCount } = this.#logs;
    return { heads: headCount, held: linkedCount + parkedCount, parked: parkedCount };
  }

  /** Grows with each change of a head: names a state of the topic in this run. */
  get version(): number {
    return this.#logs.version;
  }

  /** Whether it takes no more entries, of anyone. */
  get isFull(): boolean {
    return this.room <= 0;
  }

  /** How many more entries it takes, of anyone. */
  get room(): number {
    return this.#limits.entriesPerTopicMax - this.#storedCount;
  }

  get authorCount(): number {
    const authors = new Set<Did>();
    for (const { author, held } of this.#logs) if (held.linkedCount > 0) authors.add(author);
    return authors.size;
  }

  get root(): Uint8Array {
    const { topic } = this;
    this.#root ??= topicRoot(this.#network, topic, this.#logs.rootRows(), this.#logs.closedRows());
    return this.#root;
  }

  /** When `expire` has something to do. */
  get wakeAtMs(): number | undefined {
    return this.#order.wakeAtMs;
  }

  log(author: Did, lane: Lane): HaveSet | undefined {
    return this.#logs.get(author, lane)?.held;
  }

  has({ author, lane, id }: EntryName): boolean {
    return this.log(author, lane)?.has(id) ?? false;
  }

  isLinked({ author, lane, id }: EntryName): boolean {
    return this.log(author, lane)?.isLinked(id) ?? false;
  }

  /** The seq from which a log is closed. */
  closedFrom(author: Did, lane: Lane): number | undefined {
    return this.#logs.get(author, lane)?.closedFrom;
  }

  /** Whether an entry is at or above where its log is closed. */
  isClosed({ author, lane, seq }: Pick<EntryName, 'author' | 'lane' | 'seq'>): boolean {
    return seq >= (this.closedFrom(author, lane) ?? Infinity);
  }

  /** The closed logs. */
  closed(): ClosedLog[] {
    return Array.from(this.#logs.closed, ({ author, lane, closedFrom }) => {
      return { author, lane, from: closedFrom! };
    });
  }

  /** The entries whose headers prove that a log is closed; none where it is not. All are in the store. */
  witness(author: Did, lane: Lane): readonly EntryId[] {
    const log = this.#logs.get(author, lane);
    return log?.closedFrom === undefined ? [] : (log.held.forks?.ids ?? []);
  }

  /** See `HaveSet.holes`; nothing is missing from where a log is closed. */
  holes(author: Did, lane: Lane, to: number): readonly SeqRange[] {
    const end = Math.min(to, (this.closedFrom(author, lane) ?? Infinity) - 1);
    const held = this.log(author, lane);
    if (held !== undefined) return held.holes(end);
    return end > 0 ? [{ from: 1, to: end }] : [];
  }

  /** The linked heads of all logs. */
  *heads(): Generator<EntryName> {
    for (const log of this.#logs) yield* headsOf(log);
  }

  headsOf({ author, lane }: LogName): EntryName[] {
    const log = this.#logs.get(author, lane);
    return log === undefined ? [] : headsOf(log);
  }

  /** The heads that changed since the state had `version`. */
  headsSince(version: number): EntryName[] {
    return this.#logs.changedSince(version).flatMap(headsOf);
  }

  /** All logs that were opened. */
  logs(): Iterable<LogName & { readonly held: HaveSet }> {
    return this.#logs;
  }

  /** All linked entries, log by log in seq order. */
  *entries(): Generator<EntryName> {
    for (const { author, lane, held } of this.#logs) {
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

  /** What an entry that follows `prev` now depends on, most recent first; at most `depsMax`. */
  frontier(prev: EntryName | undefined, depsMax: number): EntryLinks['deps'] {
    return this.#order.frontier(prev, depsMax);
  }

  /**
   * Why an entry that `has` does not know is not taken, before anything of it is verified. There is always room for this
   * node's own log (`isOwn`): others cannot fill it.
   */
  refusalOf(entry: EntryLinks, isOwn = false): Refusal | undefined {
    const { author, lane, seq } = entry.name;
    const log = this.#logs.get(author, lane);
    if (seq >= (log?.closedFrom ?? Infinity)) return 'log-closed';
    if (this.isFull) return 'topic-full';
    if (log === undefined)
      return this.#logs.size >= this.#limits.logsPerTopicMax && !isOwn ? 'logs-full' : undefined;
    if (log.held.contradicts(entry)) return 'seq-wrong';
    return log.held.hasNoRoomFor(entry, this.#limits.parkedPerLogMax) ? 'parked-full' : undefined;
  }

  /**
   * Takes an entry that `has` does not know and `refusalOf` does not refuse; returns what is delivered now. What
   * else came of it: `takeNews`.
   */
  accept(entry: EntryLinks, nowMs: number): readonly Delivery[] {
    this.#storedCount++;
    const { log, linked } = this.#insert(entry);
    if (!log.held.isLinked(entry.name.id)) this.#evictSurplus(log);
    const freed = this.#closeIfForked(log, () => idsOf(linked));
    const taken = freed === undefined ? linked : linked.filter(({ name }) => log.held.isLinked(name.id));
    return this.#order.deliver([...(freed ?? []), ...this.#order.add(taken, nowMs)]);
  }

  /** Delivers what has waited long enough for parents that did not come. */
  expire(nowMs: number): readonly Delivery[] {
    return this.#order.deliver(this.#order.expire(nowMs));
  }

  /** Whether headers of one data log, if they are genuine, close it or lower the seq from which it is closed. */
  isNews(headers: readonly EntryLinks[]): boolean {
    const [first] = headers;
    if (first === undefined) return false;
    const { author, lane } = first.name;
    const log = this.#logs.get(author, lane);
    return (forksWith(log?.held, headers).closesFrom ?? Infinity) < (log?.closedFrom ?? Infinity);
  }

  /**
   * Closes a log by verified headers for which `isNews` holds; returns what is delivered now, because nobody waits
   * for what is closed. Those in the closing's witness are to be stored.
   */
  prove(headers: readonly EntryLinks[]): readonly Delivery[] {
    const [first] = headers;
    if (first === undefined) return [];
    const log = this.#logs.open(first.name.author, first.name.lane);
    const forks = forksWith(log?.held, headers);
    log.held.setForks(forks);
    this.#storedCount += headers.length;
    return this.#order.deliver(this.#closeIfForked(log, () => new Set()) ?? []);
  }

  /** What closed or was evicted since the last call. */
  takeNews(): StateNews {
    const news = { closings: this.#closings, evictedCount: this.#evictedCount };
    this.#closings = [];
    this.#evictedCount = 0;
    return news;
  }

  /**
   * Takes an entry that the store held; `position` where it was delivered in an earlier run, those first and
   * ascending. Nothing is delivered or closed before `settle`, because what the store gives later may close a log.
   */
  restore(entry: EntryLinks, position: number | undefined): void {
    this.#storedCount++;
    if (position !== undefined) {
      this.#deliveredUnlinked.add(entry.name.id);
      this.skip(position);
    }
    for (const linked of this.#insert(entry).linked) this.#undelivered.push(linked);
    if (position !== undefined) this.#order.restore(entry);
  }

  /** Consumers were told at `position`, in an earlier run, that a log left from a seq on. */
  restoreWithdrawal({ author, lane, from }: ClosedLog, position: number): void {
    const log = this.#logs.open(author, lane);
    log.withdrawnFrom = Math.min(log.withdrawnFrom ?? Infinity, from);
    this.skip(position);
  }

  /** What was delivered at `position` in an earlier run cannot be read any more; nothing else is ever delivered there (I7). */
  skip(position: number): void {
    this.#order.skip(position);
  }

  /** All that the store held is known: closes the logs that it proves closed, and delivers what had not been. */
  settle(nowMs: number): readonly Delivery[] {
    const undelivered = this.#undelivered;
    this.#undelivered = [];
    for (const log of this.#logs) this.#evictSurplus(log);
    const fresh = idsOf(undelivered);
    const freed = Array.from(this.#logs, (log) => this.#closeIfForked(log, () => fresh) ?? []);
    const taken = undelivered.filter(({ name }) => this.isLinked(name));
    return this.#order.deliver([...freed.flat(), ...this.#order.add(taken, nowMs)]);
  }

  /** What was stored before it was evicted comes back with a restart, so there may be many too many. */
  #evictSurplus(log: Log): void {
    while (log.held.parkedCount > this.#limits.parkedPerLogMax) {
      this.#logs.evictFarthest(log);
      this.#evictedCount++;
    }
  }

  /** Returns what became linked, but for what was delivered in an earlier run. */
  #insert(entry: EntryLinks): { log: Log; linked: readonly EntryLinks[] } {
    const log = this.#logs.open(entry.name.author, entry.name.lane);
    const linked = this.#logs.insert(log, entry);
    if (linked.length > 0) this.#root = log.rootRows = undefined;
    if (this.#deliveredUnlinked.size === 0) return { log, linked };
    return { log, linked: linked.filter(({ name }) => !this.#deliveredUnlinked.delete(name.id)) };
  }

  /**
   * Closes a data log whose forks prove that it is to be closed, or closes it lower; undefined where nothing
   * changes. `fresh` are linked entries that the causal order does not know. Returns whose turn it is now.
   */
  #closeIfForked(log: Log, fresh: () => ReadonlySet<EntryId>): readonly Turn[] | undefined {
    const { author, lane, held } = log;
    const from = lane === 0 ? held.forks?.closesFrom : undefined;
    if (from === undefined || from >= (log.closedFrom ?? Infinity)) return undefined;
    const { linked, parked } = this.#logs.close(log, from);
    held.forks?.keepWitness();
    this.#root = log.rootRows = undefined;
    const freshIds = fresh();
    const toldFrom = log.withdrawnFrom ?? Infinity;
    const isAffected =
      linked.some(({ id, seq }) => seq < toldFrom && !freshIds.has(id) && !this.#order.isWaiting(id)) ||
      parked.some(({ id, seq }) => seq < toldFrom && this.#deliveredUnlinked.has(id));
    if (isAffected) log.withdrawnFrom = from;
    const position = isAffected ? this.#order.nextPosition() : undefined;
    this.#closings.push({ log: { author, lane, from }, witness: held.forks?.ids ?? [], position });
    for (const { id } of parked) this.#deliveredUnlinked.delete(id);
    return this.#order.close(
      author,
      lane,
      from,
      linked.map(({ id }) => id),
    );
  }
}

function idsOf(entries: readonly EntryLinks[]): ReadonlySet<EntryId> {
  return new Set(entries.map(({ name }) => name.id));
}
