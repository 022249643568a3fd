import type {
  ClosedLog,
  EntryId,
  EntryParts,
  EntryStore,
  PositionedItem,
  StoredHeader,
  StoredWithdrawal,
  StoreWrite,
  Topic,
} from '@icn/gossip';
import { readWithin } from './read-within.js';

type Row =
  | { readonly type: 'entry'; readonly id: EntryId; readonly late: boolean; readonly forked: boolean }
  | { readonly type: 'withdrawal'; readonly log: ClosedLog };

interface TopicEntries {
  readonly parts: Map<EntryId, EntryParts>;
  /** What each position holds, index position − 1. */
  readonly rows: Row[];
  readonly cursors: Map<string, number>;
}

/** Keeps entries for the life of the process: for tests, demos, and nodes that own no disk. */
export class MemoryStore implements EntryStore {
  readonly #topics = new Map<Topic, TopicEntries>();

  write(writes: readonly StoreWrite[]): Promise<void> {
    for (const write of writes) {
      const { parts, rows } = this.#topicOf(write.topic);
      switch (write.type) {
        case 'entry': {
          const payload = write.parts.payload ?? parts.get(write.id)?.payload;
          parts.set(write.id, { ...write.parts, payload });
          break;
        }
        case 'position': {
          const { id, late = false, forked = false } = write;
          rows[write.position - 1] = { type: 'entry', id, late, forked };
          break;
        }
        case 'withdrawal':
          rows[write.position - 1] = { type: 'withdrawal', log: write.log };
          break;
        default:
          write satisfies never;
      }
    }
    return Promise.resolve();
  }

  topics(): Promise<readonly Topic[]> {
    const all = [...this.#topics].filter(([, { parts }]) => parts.size > 0);
    return Promise.resolve(all.map(([topic]) => topic).sort());
  }

  async *headers(topic: Topic): AsyncGenerator<readonly (StoredHeader | StoredWithdrawal)[]> {
    const { parts, rows } = this.#topicOf(topic);
    const ids = new Set(rows.flatMap((row) => (row.type === 'entry' ? [row.id] : [])));
    yield rows.map((row, index): StoredHeader | StoredWithdrawal => {
      const position = index + 1;
      return row.type === 'entry'
        ? { header: parts.get(row.id)!.header, position }
        : { position, log: row.log };
    });
    yield [...parts]
      .filter(([id]) => !ids.has(id))
      .map(([, { header }]) => ({ header, position: undefined }));
  }

  read(
    topic: Topic,
    ids: readonly EntryId[],
    bytesMax: number,
  ): Promise<readonly (EntryParts | undefined)[]> {
    const { parts } = this.#topicOf(topic);
    return readWithin(ids, bytesMax, (id) => parts.get(id));
  }

  readFrom(topic: Topic, position: number, countMax: number): Promise<readonly PositionedItem[]> {
    const { parts, rows } = this.#topicOf(topic);
    const found = rows.slice(position - 1, position - 1 + countMax);
    return Promise.resolve(
      found.map((row, index): PositionedItem => {
        const at = { position: position + index };
        if (row.type === 'withdrawal') return { ...at, ...row };
        const { late, forked } = row;
        return { ...at, type: 'entry', parts: parts.get(row.id)!, late, forked };
      }),
    );
  }

  cursors(topic: Topic): Promise<ReadonlyMap<string, number>> {
    return Promise.resolve(new Map(this.#topicOf(topic).cursors));
  }

  commit(topic: Topic, consumer: string, position: number): Promise<void> {
    const { cursors } = this.#topicOf(topic);
    cursors.set(consumer, Math.max(position, cursors.get(consumer) ?? 0));
    return Promise.resolve();
  }

  forget(topic: Topic, consumer: string): Promise<void> {
    this.#topicOf(topic).cursors.delete(consumer);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #topicOf(topic: Topic): TopicEntries {
    let entries = this.#topics.get(topic);
    if (entries === undefined) {
      entries = { parts: new Map(), rows: [], cursors: new Map() };
      this.#topics.set(topic, entries);
    }
    return entries;
  }
}
