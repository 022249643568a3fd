import { equalBytes } from '@icn/identity';
import { encodeParts, entryByteCount, type EntryParts } from '../entry/entry.js';
import type { EntryId, EntryName } from '../entry/entry-name.js';
import { ProofVerifier, type Proof } from '../entry/proof.js';
import type { StoredHeader, StoredWithdrawal, StoreWrite } from '../entry/entry-store.js';
import { PROTOCOL } from '../limits.js';
import type { Topic } from '../topic.js';
import type { ClosedLog } from '../wire/messages.js';
import type { EntryLedger, KnownEntry } from './entry-ledger.js';

/** An entry on one node's disk. */
interface Stored {
  readonly entry: KnownEntry;
  /** Without, it is a header that proves a fork. */
  hasPayload: boolean;
  /** Where this node was given another than the ledger has: an author may prove one entry in several ways. */
  proof: Proof | undefined;
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
  /** Places at which it has more than one entry: their log, their seq, and how many. */
  readonly forks: Map<string, { readonly name: EntryName; readonly count: number }>;
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
  readonly #proofs = new ProofVerifier();
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

  /** The linked entries that no linked entry follows; of a closed log, those below the closing. */
  heads(topic: Topic): readonly KnownEntry[] {
    const closed = this.closed(topic);
    const linked = [...(this.#topics.get(topic)?.entries.values() ?? [])].filter(
      ({ isLinked, entry }) => isLinked && !isIn(entry.name, closed),
    );
    const followed = new Set(linked.map(({ entry }) => entry.prev));
    return linked.flatMap(({ entry }) => (followed.has(entry.name.id) ? [] : [entry]));
  }

  /** Logs that are closed by the headers on this disk, whatever the machine made of them: a model of I9. */
  closed(topic: Topic): readonly ClosedLog[] {
    const logs = new Map<string, { log: ClosedLog; extraBranches: number }>();
    for (const { name, count } of this.#topics.get(topic)?.forks.values() ?? []) {
      const { author, lane, seq } = name;
      if (lane !== 0) continue;
      const { log, extraBranches = 0 } = logs.get(author) ?? {};
      const from = Math.min(seq, log?.from ?? Infinity);
      logs.set(author, { log: { author, lane, from }, extraBranches: extraBranches + count - 1 });
    }
    return [...logs.values()].flatMap(({ log, extraBranches }) => {
      return extraBranches >= PROTOCOL.extraBranchesMax ? [log] : [];
    });
  }

  /** What consumers were told left the topic: of each log, the lowest seq from which. */
  withdrawn(topic: Topic): readonly ClosedLog[] {
    const logs = new Map<string, ClosedLog>();
    for (const at of this.#topics.get(topic)?.positions ?? []) {
      if (typeof at === 'string') continue;
      const key = `${at.author}/${at.lane}`;
      if (at.from < (logs.get(key)?.from ?? Infinity)) logs.set(key, at);
    }
    return [...logs.values()];
  }

  /** The entries that a consumer has: delivered, and not withdrawn by the closing of their log. */
  delivered(topic: Topic): Set<EntryId> {
    const withdrawn = this.withdrawn(topic);
    const ids = new Set<EntryId>();
    for (const at of this.#topics.get(topic)?.positions ?? [])
      if (typeof at === 'string' && !isIn(this.#ledger.get(at)!.name, withdrawn)) ids.add(at);
    return ids;
  }

  /** As `EntryStore.headers` gives them at start. */
  headers(topic: Topic): readonly (StoredHeader | StoredWithdrawal)[] {
    const stored = this.#topics.get(topic);
    if (stored === undefined) return [];
    const positioned = stored.positions.map((at, index): StoredHeader | StoredWithdrawal => {
      const position = index + 1;
      if (typeof at !== 'string') return { position, log: at };
      return { header: stored.entries.get(at)!.entry.parts.header, position };
    });
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
      const stored = this.#topics.get(topic)?.entries.get(id);
      const parts = stored === undefined ? undefined : partsOf(stored);
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
      for (const stored of [...before.entries.values()].slice(0, entryCount))
        this.#writeEntry(topic, stored.entry.name.id, partsOf(stored));
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
    const known = entry.parts;
    const isSame =
      equalBytes(parts.header, known.header) &&
      (parts.payload === undefined || isEqual(parts.payload, known.payload));
    if (!isSame || entry.topic !== topic)
      return [{ invariant: 'I5', detail: `other bytes are written as ${id}` }];
    const proof = isSameProof(parts, known) ? undefined : parts.proof;
    if (proof !== undefined && !this.#proofs.isGenuine(entry.name, proof))
      return [{ invariant: 'I5', detail: `what is written as the proof of ${id} proves nothing` }];
    const disk = this.#topicDisk(topic);
    const stored: Stored = disk.entries.get(id) ?? {
      entry,
      ...{ hasPayload: false, proof, position: undefined, isLinked: false },
    };
    stored.proof = proof;
    disk.entries.set(id, stored);
    const siblings = this.#ledger.siblingsOf(entry).filter((sibling) => disk.entries.has(sibling));
    if (siblings.length > 1) disk.forks.set(placeOf(entry), { name: entry.name, count: siblings.length });
    if (parts.payload === undefined || stored.hasPayload) return [];
    stored.hasPayload = true;
    link(disk, stored);
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
      this.#topics.set(
        topic,
        (disk = { entries: new Map(), positions: [], parked: new Map(), forks: new Map() }),
      );
    return disk;
  }
}

/** As this node was given it. */
function partsOf({ entry: { parts }, hasPayload, proof = parts.proof }: Stored): EntryParts {
  if (hasPayload && proof === parts.proof) return parts;
  return { header: parts.header, payload: hasPayload ? parts.payload : undefined, proof };
}

function isSameProof(one: EntryParts, other: EntryParts): boolean {
  if (one.proof === other.proof) return true;
  return equalBytes(encodeParts(withoutPayload(one)), encodeParts(withoutPayload(other)));
}

function isEqual(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return one === other || (other !== undefined && equalBytes(one, other));
}

function withoutPayload({ header, proof }: EntryParts): EntryParts {
  return { header, payload: undefined, proof };
}

/** Whether an entry is of what a log lost by its closing. */
export function isIn({ author, lane, seq }: EntryName, logs: readonly ClosedLog[]): boolean {
  return logs.some((log) => log.author === author && log.lane === lane && log.from <= seq);
}

/** Two entries at one place are a fork (docs/protocol/equivocation.md, 1). */
function placeOf({ name: { author, lane, seq }, prev }: KnownEntry): string {
  return `${author}/${lane}/${seq} ${prev}`;
}

/** Whether an entry is the next one of its `prev`'s log; any other entry may name it too, and never links. */
function follows({ name }: KnownEntry, prev: EntryName): boolean {
  return name.author === prev.author && name.lane === prev.lane && name.seq === prev.seq + 1;
}

function link({ entries, parked }: TopicDisk, stored: Stored): void {
  const { prev } = stored.entry;
  const parent = prev === null ? undefined : entries.get(prev);
  if (prev !== null && parent?.isLinked !== true) {
    const waiting = parked.get(prev);
    if (waiting === undefined) parked.set(prev, [stored]);
    else waiting.push(stored);
    return;
  }
  if (parent !== undefined && !follows(stored.entry, parent.entry.name)) return;
  const ready = [stored];
  for (let index = 0; index < ready.length; index++) {
    const linked = ready[index]!;
    linked.isLinked = true;
    const { id } = linked.entry.name;
    ready.push(...(parked.get(id) ?? []).filter(({ entry }) => follows(entry, linked.entry.name)));
    parked.delete(id);
  }
}
