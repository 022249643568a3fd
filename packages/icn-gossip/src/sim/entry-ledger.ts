import { decodeEntry, type EntryParts } from '../entry/entry.js';
import { entryIdOf, type EntryId, type EntryName } from '../entry/entry-name.js';
import type { Dep } from '../entry/entry-header.js';
import type { Topic } from '../topic.js';

/** An entry as the world knows it: once for all nodes. */
export interface KnownEntry {
  readonly topic: Topic;
  readonly name: EntryName;
  readonly prev: EntryId | null;
  readonly deps: readonly Dep[];
  /** As they were first written anywhere, with payload if anybody has it; all nodes' disks share them, which keeps large worlds small. */
  parts: EntryParts;
}

/** Every entry that was ever written by an honest node, with what hangs on what. */
export class EntryLedger {
  readonly #entries = new Map<EntryId, KnownEntry>();
  readonly #siblings = new Map<string, EntryId[]>();
  readonly #byDep = new Map<string, EntryId>();

  get size(): number {
    return this.#entries.size;
  }

  get(id: EntryId): KnownEntry | undefined {
    return this.#entries.get(id);
  }

  /** The entry of that id; undefined where the bytes are none, or the header is not that of the id. */
  intern(id: EntryId, parts: EntryParts): KnownEntry | undefined {
    const known = this.#entries.get(id);
    if (known !== undefined) {
      if (known.parts.payload === undefined) known.parts = { ...known.parts, payload: parts.payload };
      return known;
    }
    if (entryIdOf(parts.header) !== id) return undefined;
    const decoded = decodeEntry(parts);
    if (typeof decoded === 'string') return undefined;
    const { name, header } = decoded;
    const entry: KnownEntry = { topic: header.topic, name, prev: header.prev, deps: header.deps, parts };
    this.#entries.set(id, entry);
    this.#byDep.set(depKey(entry.topic, depOf(name)), id);
    const key = siblingsKey(entry);
    const siblings = this.#siblings.get(key);
    if (siblings === undefined) this.#siblings.set(key, [id]);
    else siblings.push(id);
    return entry;
  }

  /** The entry that a header names as its causal parent. */
  find(topic: Topic, dep: Dep): EntryId | undefined {
    return this.#byDep.get(depKey(topic, dep));
  }

  /** The entries at this one's place in its log, after the same `prev` and of the same seq, itself among them: more than one is a fork. */
  siblingsOf(entry: KnownEntry): readonly EntryId[] {
    return this.#siblings.get(siblingsKey(entry)) ?? [];
  }
}

function siblingsKey({ topic, name, prev }: KnownEntry): string {
  return `${topic} ${name.author} ${name.lane} ${name.seq} ${prev ?? ''}`;
}

/** An entry as headers that depend on it name it. */
export function depOf({ author, lane, seq, id }: EntryName): Dep {
  return { author, lane, seq, idPrefix: id.slice(0, 16) };
}

function depKey(topic: Topic, { author, lane, seq, idPrefix }: Dep): string {
  return `${topic} ${author} ${lane} ${seq} ${idPrefix}`;
}
