import type { Did } from '@icn/identity';
import type { Dep } from '../entry/entry-header.js';
import type { EntryId, Lane } from '../entry/entry-name.js';

interface Awaited {
  readonly dep: Dep;
  readonly ids: Set<EntryId>;
}

/** Which entries wait for which causal parents: found by the parent, or by the parent's log. */
export class Waiters {
  readonly #awaited = new Map<string, Awaited>();
  readonly #keysOf = new Map<string, Set<string>>();

  /** Notes that the entry `id` waits for `dep`. */
  add(dep: Dep, id: EntryId): void {
    const key = depKey(dep);
    const awaited = this.#awaited.get(key);
    if (awaited !== undefined) {
      awaited.ids.add(id);
      return;
    }
    this.#awaited.set(key, { dep, ids: new Set([id]) });
    const keys = this.#keysOf.get(logKey(dep));
    if (keys === undefined) this.#keysOf.set(logKey(dep), new Set([key]));
    else keys.add(key);
  }

  /** Takes away the entries that wait for the parent `key`. */
  take(key: string): readonly EntryId[] {
    const awaited = this.#awaited.get(key);
    if (awaited === undefined) return [];
    this.#forget(key, awaited);
    return [...awaited.ids];
  }

  /** The entry `id` waits for the parent `key` no more. */
  remove(key: string, id: EntryId): void {
    const awaited = this.#awaited.get(key);
    awaited?.ids.delete(id);
    if (awaited?.ids.size === 0) this.#forget(key, awaited);
  }

  /** The parents from seq `from` on that are waited for in a log. */
  keysFrom(author: Did, lane: Lane, from: number): readonly string[] {
    const keys = [...(this.#keysOf.get(logKey({ author, lane })) ?? [])];
    return keys.filter((key) => (this.#awaited.get(key)?.dep.seq ?? 0) >= from);
  }

  #forget(key: string, { dep }: Awaited): void {
    this.#awaited.delete(key);
    const keys = this.#keysOf.get(logKey(dep));
    keys?.delete(key);
    if (keys?.size === 0) this.#keysOf.delete(logKey(dep));
  }
}

/** Equal for deps that name one entry. */
export function depKey({ author, lane, seq, idPrefix }: Dep): string {
  return `${author}/${lane}/${seq}/${idPrefix}`;
}

function logKey({ author, lane }: Pick<Dep, 'author' | 'lane'>): string {
  return `${author}/${lane}`;
}
