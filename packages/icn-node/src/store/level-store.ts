import { decodeParts, encodeParts, entryIdOf, isTopic } from '@icn/gossip';
import type {
  EntryId,
  EntryParts,
  EntryStore,
  PositionedItem,
  StoredHeader,
  StoredWithdrawal,
  StoreWrite,
  Topic,
} from '@icn/gossip';
import type { ClassicLevel } from 'classic-level';
import { decodeRow, encodeRow, positionKey, positionOf } from './level-rows.js';
import { openLevel } from './open-level.js';
import { readWithin } from './read-within.js';

/**
 * Entries in a LevelDB, each write one synced batch: what was acknowledged survives kill -9 and power loss.
 *
 * Keys, with the topic's name and a NUL in between (no topic holds a NUL):
 * - `h <topic> \0 <id>` → header and proof; `d <topic> \0 <id>` → payload, apart so that it can be pruned;
 * - `p <topic> \0 <position, 8 bytes big-endian as 16 hex digits>` → what it holds (`level-rows.ts`);
 * - `c <topic> \0 <consumer>` → the position that it committed, in decimal digits.
 */
export class LevelStore implements EntryStore {
  readonly #db: ClassicLevel<string, Uint8Array>;
  /** Changes of cursors, one after another: each sees what the one before it left. */
  #committing: Promise<unknown> = Promise.resolve();

  private constructor(db: ClassicLevel<string, Uint8Array>) {
    this.#db = db;
  }

  /**
   * Opens or creates the store in a folder. LevelDB's lock, which dies with its process, makes this node its only writer.
   *
   * @throws NodeError `data-dir-locked`, `data-dir-unusable`, `store-corrupt`.
   */
  static async open(path: string): Promise<LevelStore> {
    const advice =
      'restore it from a backup; or move it away and let peers send its entries again, publishing nothing until they have, ' +
      'or your own log forks';
    return new LevelStore(await openLevel(path, advice));
  }

  async write(writes: readonly StoreWrite[]): Promise<void> {
    const batch = this.#db.batch();
    for (const write of writes) {
      const { topic } = write;
      switch (write.type) {
        case 'entry': {
          const { header, payload, proof } = write.parts;
          batch.put(`h${topic}\0${write.id}`, encodeParts({ header, payload: undefined, proof }));
          if (payload !== undefined) batch.put(`d${topic}\0${write.id}`, payload);
          break;
        }
        case 'position': {
          const { id, late = false, forked = false } = write;
          batch.put(positionKey(topic, write.position), encodeRow({ type: 'entry', id, late, forked }));
          break;
        }
        case 'withdrawal':
          batch.put(positionKey(topic, write.position), encodeRow({ type: 'withdrawal', log: write.log }));
          break;
        default:
          write satisfies never;
      }
    }
    await batch.write({ sync: true });
  }

  async topics(): Promise<readonly Topic[]> {
    const topics: Topic[] = [];
    for (let from = 'h'; ;) {
      const [key] = await this.#db.keys({ gt: from, lt: 'i', limit: 1 }).all();
      if (key === undefined) return topics;
      const topic = key.slice(1, key.indexOf('\0'));
      if (isTopic(topic)) topics.push(topic);
      from = `h${topic}\x01`;
    }
  }

  async *headers(topic: Topic): AsyncGenerator<readonly (StoredHeader | StoredWithdrawal)[]> {
    const delivered = new Set<EntryId>();
    const positions = this.#db.iterator({ gt: `p${topic}\0`, lt: `p${topic}\x01` });
    for await (const entries of batches(positions)) {
      const rows = entries.map(([, value]) => decodeRow(value));
      const ids = rows.map((row) => (row?.type === 'entry' ? row.id : ''));
      const records = await this.#db.getMany(ids.map((id) => `h${topic}\0${id}`));
      yield entries.map(([key], index): StoredHeader | StoredWithdrawal => {
        const row = rows[index];
        const position = positionOf(key);
        if (row?.type === 'withdrawal') return { position, log: row.log };
        if (row !== undefined) delivered.add(row.id);
        return { header: headerOf(records[index]), position };
      });
    }
    for await (const keys of batches(this.#db.keys({ gt: `h${topic}\0`, lt: `h${topic}\x01` }))) {
      const waiting = keys.filter((key) => !delivered.has(key.slice(topic.length + 2) as EntryId));
      const records = await this.#db.getMany(waiting);
      yield records.map((record) => ({ header: headerOf(record), position: undefined }));
    }
  }

  read(
    topic: Topic,
    ids: readonly EntryId[],
    bytesMax: number,
  ): Promise<readonly (EntryParts | undefined)[]> {
    return readWithin(ids, bytesMax, async (id) => (await this.#parts(topic, [id]))[0]);
  }

  async readFrom(topic: Topic, position: number, countMax: number): Promise<readonly PositionedItem[]> {
    const range = { gte: positionKey(topic, position), lt: `p${topic}\x01`, limit: countMax };
    const found = await this.#db.iterator(range).all();
    const rows = found.map(([key, value]) => ({ position: positionOf(key), row: decodeRow(value) }));
    const ids = rows.flatMap(({ row }) => (row?.type === 'entry' ? [row.id] : []));
    const all = (await this.#parts(topic, ids)).values();
    return rows.flatMap(({ position: at, row }): PositionedItem[] => {
      if (row === undefined) return [];
      if (row.type === 'withdrawal') return [{ position: at, type: 'withdrawal', log: row.log }];
      const parts = all.next().value;
      const { late, forked } = row;
      return parts === undefined ? [] : [{ position: at, type: 'entry', parts, late, forked }];
    });
  }

  async cursors(topic: Topic): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#db.iterator({ gt: `c${topic}\0`, lt: `c${topic}\x01` }).all();
    return new Map(rows.map(([key, value]) => [key.slice(topic.length + 2), cursorOf(value)]));
  }

  commit(topic: Topic, consumer: string, position: number): Promise<void> {
    const key = `c${topic}\0${consumer}`;
    return this.#afterCommits(async () => {
      const committed = await this.#db.get(key);
      if (committed === undefined || position > cursorOf(committed))
        await this.#db.put(key, Buffer.from(String(position)), { sync: true });
    });
  }

  forget(topic: Topic, consumer: string): Promise<void> {
    return this.#afterCommits(() => this.#db.del(`c${topic}\0${consumer}`, { sync: true }));
  }

  async close(): Promise<void> {
    await this.#committing;
    await this.#db.close();
  }

  #afterCommits(change: () => Promise<void>): Promise<void> {
    const changed = this.#committing.then(change);
    this.#committing = changed.catch(() => undefined);
    return changed;
  }

  async #parts(topic: Topic, ids: readonly EntryId[]): Promise<(EntryParts | undefined)[]> {
    const values = await this.#db.getMany(ids.flatMap((id) => [`h${topic}\0${id}`, `d${topic}\0${id}`]));
    return ids.map((id, index) => {
      const record = values[2 * index];
      const parts = record === undefined ? undefined : decodeParts(record);
      return parts !== undefined && entryIdOf(parts.header) === id
        ? { ...parts, payload: values[2 * index + 1] }
        : undefined;
    });
  }
}

const ROWS_PER_BATCH = 1_000;

/** Of a record that is damaged, no bytes: its position is taken all the same (I7). */
function headerOf(record: Uint8Array | undefined): Uint8Array {
  return (record === undefined ? undefined : decodeParts(record)?.header) ?? new Uint8Array(0);
}

/** The position in a cursor's bytes; 0, the beginning, where there are none, or they are damaged. */
function cursorOf(value: Uint8Array | undefined): number {
  const position = Number(value === undefined ? 0 : Buffer.from(value).toString());
  return Number.isSafeInteger(position) && position > 0 ? position : 0;
}

async function* batches<Row>(iterator: {
  nextv(size: number): Promise<Row[]>;
  close(): Promise<void>;
}): AsyncGenerator<Row[]> {
  try {
    for (
      let rows = await iterator.nextv(ROWS_PER_BATCH);
      rows.length > 0;
      rows = await iterator.nextv(ROWS_PER_BATCH)
    ) {
      yield rows;
    }
  } finally {
    await iterator.close();
  }
}
