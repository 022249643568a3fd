import type { Did } from '@icn/identity';
import type { EntryLinks } from '../entry/entry-header.js';
import type { EntryName, Lane } from '../entry/entry-name.js';
import { HaveSet, type HeldEntry } from './have-set.js';
import { closedRow, rootRow } from './topic-root.js';

/** A log of a topic, one author's lane, and what is held of it. */
export interface Log {
  readonly author: Did;
  readonly lane: Lane;
  readonly held: HaveSet;
  /** The seq from which it is closed. */
  closedFrom: number | undefined;
  /** The lowest seq from which consumers were told that it left the topic. */
  withdrawnFrom: number | undefined;
  /** The version of the logs in which its heads changed last. */
  changedAt: number;
  /** Its heads as the root counts them; undefined where they changed since. */
  rootRows: readonly Uint8Array[] | undefined;
}

/** The logs of one topic, and the sums over them. */
export class Logs {
  readonly #logs = new Map<string, Log>();
  readonly #closed = new Set<Log>();
  #linkedCount = 0;
  #headCount = 0;
  #parkedCount = 0;
  #version = 0;

  get size(): number {
    return this.#logs.size;
  }

  get linkedCount(): number {
    return this.#linkedCount;
  }

  get headCount(): number {
    return this.#headCount;
  }

  get parkedCount(): number {
    return this.#parkedCount;
  }

  /** Grows with each change of a head. */
  get version(): number {
    return this.#version;
  }

  /** The logs whose heads changed since `version`. */
  changedSince(version: number): Log[] {
    return [...this.#logs.values()].filter(({ changedAt }) => changedAt > version);
  }

  /** The logs that are closed. */
  get closed(): ReadonlySet<Log> {
    return this.#closed;
  }

  [Symbol.iterator](): IterableIterator<Log> {
    return this.#logs.values();
  }

  get(author: Did, lane: Lane): Log | undefined {
    return this.#logs.get(keyOf(author, lane));
  }

  /** The log, empty where nothing is known of it. */
  open(author: Did, lane: Lane): Log {
    const known = this.get(author, lane);
    if (known !== undefined) return known;
    const held = new HaveSet();
    const log: Log = {
      author,
      lane,
      held,
      closedFrom: undefined,
      withdrawnFrom: undefined,
      changedAt: 0,
      rootRows: undefined,
    };
    this.#logs.set(keyOf(author, lane), log);
    return log;
  }

  /** See `HaveSet.insert`. */
  insert(log: Log, entry: EntryLinks): readonly EntryLinks[] {
    return this.#counting(log, () => log.held.insert(entry));
  }

  /** See `HaveSet.evictFarthest`. */
  evictFarthest(log: Log): void {
    this.#counting(log, () => log.held.evictFarthest());
  }

  /** See `HaveSet.closeFrom`. */
  close(log: Log, from: number): { linked: readonly HeldEntry[]; parked: readonly HeldEntry[] } {
    log.closedFrom = from;
    this.#closed.add(log);
    return this.#counting(log, () => log.held.closeFrom(from));
  }

  /** The heads of all logs as the root counts them. */
  rootRows(): readonly Uint8Array[] {
    return [...this.#logs.values()].flatMap((log) => (log.rootRows ??= headsOf(log).map(rootRow)));
  }

  /** The closed logs as the root counts them. */
  closedRows(): readonly Uint8Array[] {
    return Array.from(this.#closed, ({ author, lane, closedFrom }) => {
      return closedRow({ author, lane, from: closedFrom! });
    });
  }

  #counting<Result>(log: Log, change: () => Result): Result {
    const { held } = log;
    const before = { linked: held.linkedCount, parked: held.parkedCount, heads: held.heads.size };
    const result = change();
    if (held.linkedCount !== before.linked) log.changedAt = ++this.#version;
    this.#linkedCount += held.linkedCount - before.linked;
    this.#parkedCount += held.parkedCount - before.parked;
    this.#headCount += held.heads.size - before.heads;
    return result;
  }
}

/** Nearly all logs are of lane 0: no string is made for them. */
function keyOf(author: Did, lane: Lane): string {
  return lane === 0 ? author : `${author}/${lane}`;
}

/** The linked heads of a log. */
export function headsOf({ author, lane, held }: Log): EntryName[] {
  return Array.from(held.heads, ([id, seq]) => ({ author, lane, seq, id }));
}
