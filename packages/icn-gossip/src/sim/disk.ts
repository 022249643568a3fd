import { equalBytes } from '@icn/identity';
import { encodeParts, entryByteCount, type EntryParts } from '../entry/entry.js';
import type { EntryId } from '../entry/entry-name.js';
import type { StoredHeader, StoreWrite } from '../entry/entry-store.js';
import type { Topic } from '../topic.js';
import type { ClosedLog } from '../wire/messages.js';
import type { EntryLedger, KnownEntry } from './entry-ledger.js';

/** An entry on one node's disk. */
interface Stored {
  readonly entry: KnownEntry;
  position: number | undefined;
  isLinked: boolean;
}

interface TopicDisk {
  /** In order of writing. */
  readonly entries: Map<EntryId, Stored>;
  /** What is at position index + 1. */
  readonly positions: (EntryId | ClosedLog)[];
  /** Entries that wait for the one of that id. */
  readonly parked: Map<EntryId, Stored[]>;
}

/** How much there was at some moment: what an old backup holds. */
export type DiskMark = ReadonlyMap<Topic, { readonly entryCount: number; readonly positionCount: number }>;

/** A rule that a write broke. */
export interface WriteFault {
  readonly invariant: 'I5' | 'I7';
  readonly detail: string;
}

/**
 * What survives a crash: only what was persisted. It holds bytes as written (I5), counts positions (I7), and knows
 * which of its entries are linked, independently of what the machine believes.
 */
export class Disk {
  readonly #ledger: EntryLedger;
  readonly #topics = new Map<Topic, TopicDisk>();

  constructor(ledger: EntryLedger) {
    this.#ledger = ledger;
  }

  get topics(): readonly Topic[] {
    return [...this.#topics.keys()];
  }

  /** Writes all; returns which rules the writes break. */
  write(writes: readonly StoreWrite[]): readonly WriteFault[] {
    return writes.flatMap((write) => {
      switch (write.type) {
        case 'entry':
          return this.#writeEntry(write.topic, write.id, write.parts);
        case 'position':
          return this.#writePosition(write.topic, write.position, write.id);
        case 'withdrawal':
          return this.#writeAt(write.topic, write.position, write.log);
      }
    });
  }

  has(topic: Topic, id: EntryId): boolean {
    return this.#topics.get(topic)?.entries.has(id) ?? false;
  }

  /** Whether it holds the entry and all of its log below it. */
  isLinked(topic: Topic, id: EntryId): boolean {
    return this.#topics.get(topic)?.entries.get(id)?.isLinked ?? false;
  }

  positionOf(topic: Topic, id: EntryId): number | undefined {
    return this.#topics.get(topic)?.entries.get(id)?.position;
  }

  /** What is at a position, from 1. */
  at(topic: Topic, position: number): EntryId | ClosedLog | undefined {
    return this.#topics.get(topic)?.positions[position - 1];
  }

  positionCount(topic: Topic): number {
    return this.#topics.get(topic)?.positions.length ?? 0;
  }

  /** All ids of a topic, linked or not, in order of writing. */
  ids(topic: Topic): IterableIterator<EntryId> {
    return (this.#topics.get(topic)?.entries ?? new Map<EntryId, Stored>()).keys();
  }

  /** The linked entries that no linked entry follows. */
  heads(topic: Topic): readonly KnownEntry[] {
    const linked = [...(this.#topics.get(topic)?.entries.values() ?? [])].filter(({ isLinked }) => isLinked);
    const followed = new Set(linked.map(({ entry }) => entry.prev));
    return linked.flatMap(({ entry }) => (followed.has(entry.name.id) ? [] : [entry]));
  }

  /** Logs that were closed, each with the lowest seq from which. */
  closed(topic: Topic): readonly ClosedLog[] {
    const closed = new Map<string, ClosedLog>();
    for (const at of this.#topics.get(topic)?.positions ?? []) {
      if (typeof at === 'string') continue;
      const key = `${at.author}/${at.lane}`;
      if (at.from < (closed.get(key)?.from ?? Infinity)) closed.set(key, at);
    }
    return [...closed.values()];
  }

  /** The entries that a consumer has: delivered, and not withdrawn by the closing of their log. */
  delivered(topic: Topic): Set<EntryId> {
    const from = new Map(this.closed(topic).map((log) => [`${log.author}/${log.lane}`, log.from]));
    const ids = new Set<EntryId>();
    for (const at of this.#topics.get(topic)?.positions ?? []) {
      if (typeof at !== 'string') continue;
      const { author, lane, seq } = this.#ledger.get(at)!.name;
      if (seq < (from.get(`${author}/${lane}`) ?? Infinity)) ids.add(at);
    }
    return ids;
  }

  /** As `EntryStore.headers` gives them at start. A withdrawal has a position and no header. */
  headers(topic: Topic): readonly StoredHeader[] {
    const stored = this.#topics.get(topic);
    if (stored === undefined) return [];
    const none = new Uint8Array(0);
    const positioned = stored.positions.map((at, index): StoredHeader => ({
      header: typeof at === 'string' ? stored.entries.get(at)!.entry.parts.header : none,
      position: index + 1,
    }));
    const others = [...stored.entries.values()].filter(({ position }) => position === undefined);
    return [
      ...positioned,
      ...others.map(({ entry }) => ({ header: entry.parts.header, position: undefined })),
    ];
  }

  /** As `EntryStore.read`. */
  read(topic: Topic, ids: readonly EntryId[], bytesMax: number): (EntryParts | undefined)[] {
    const found: (EntryParts | undefined)[] = [];
    let byteCount = 0;
    for (const id of ids) {
      const parts = this.#topics.get(topic)?.entries.get(id)?.entry.parts;
      if (parts !== undefined) byteCount += entryByteCount(parts);
      if (found.length > 0 && byteCount > bytesMax) break;
      found.push(parts);
    }
    return found;
  }

  /** Remembers how much there is now. */
  mark(): DiskMark {
    return new Map(
      [...this.#topics].map(([topic, { entries, positions }]) => [
        topic,
        { entryCount: entries.size, positionCount: positions.length },
      ]),
    );
  }

  /** Becomes what it was at `mark`: an old backup is put back. */
  restore(mark: DiskMark): void {
    for (const [topic, before] of [...this.#topics]) {
      const { entryCount = 0, positionCount = 0 } = mark.get(topic) ?? {};
      this.#topics.delete(topic);
      for (const { entry } of [...before.entries.values()].slice(0, entryCount))
        this.#writeEntry(topic, entry.name.id, entry.parts);
      for (const [index, at] of before.positions.slice(0, positionCount).entries()) {
        if (typeof at === 'string') this.#writePosition(topic, index + 1, at);
        else this.#writeAt(topic, index + 1, at);
      }
    }
  }

  #writeEntry(topic: Topic, id: EntryId, parts: EntryParts): WriteFault[] {
    const entry = this.#ledger.intern(id, parts);
    if (entry === undefined)
      return [{ invariant: 'I5', detail: `the bytes written as ${id} are not that entry` }];
    const isSame = entry.parts === parts || equalBytes(encodeParts(entry.parts), encodeParts(parts));
    if (!isSame || entry.topic !== topic)
      return [{ invariant: 'I5', detail: `other bytes are written as ${id}` }];
    const disk = this.#topicDisk(topic);
    if (!disk.entries.has(id)) {
      const stored: Stored = { entry, position: undefined, isLinked: false };
      disk.entries.set(id, stored);
      link(disk, stored);
    }
    return [];
  }

  #writePosition(topic: Topic, position: number, id: EntryId): WriteFault[] {
    const stored = this.#topics.get(topic)?.entries.get(id);
    if (stored === undefined)
      return [{ invariant: 'I7', detail: `position ${position} names what is not stored` }];
    if (stored.position !== undefined)
      return [
        { invariant: 'I7', detail: `an entry at position ${stored.position} gets position ${position} too` },
      ];
    const faults = this.#writeAt(topic, position, id);
    if (faults.length === 0) stored.position = position;
    return faults;
  }

  #writeAt(topic: Topic, position: number, what: EntryId | ClosedLog): WriteFault[] {
    const { positions } = this.#topicDisk(topic);
    if (position !== positions.length + 1)
      return [{ invariant: 'I7', detail: `position ${position} follows position ${positions.length}` }];
    positions.push(what);
    return [];
  }

  #topicDisk(topic: Topic): TopicDisk {
    let disk = this.#topics.get(topic);
    if (disk === undefined)
      this.#topics.set(topic, (disk = { entries: new Map(), positions: [], parked: new Map() }));
    return disk;
  }
}

function link({ entries, parked }: TopicDisk, stored: Stored): void {
  const { prev } = stored.entry;
  if (prev !== null && entries.get(prev)?.isLinked !== true) {
    const waiting = parked.get(prev);
    if (waiting === undefined) parked.set(prev, [stored]);
    else waiting.push(stored);
    return;
  }
  const ready = [stored];
  for (let index = 0; index < ready.length; index++) {
    const linked = ready[index]!;
    linked.isLinked = true;
    const { id } = linked.entry.name;
    ready.push(...(parked.get(id) ?? []));
    parked.delete(id);
  }
}
