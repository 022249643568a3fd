import { mkdir, readdir } from 'node:fs/promises';
import { decodeParts, encodeParts, entryIdOf, isTopic } from '@icn/gossip';
import type {
  EntryId,
  EntryParts,
  EntryStore,
  PositionedEntry,
  StoredHeader,
  StoreWrite,
  Topic,
} from '@icn/gossip';
import { ClassicLevel } from 'classic-level';
import { NodeError } from '../errors.js';
import { readWithin } from './read-within.js';

/**
 * Entries in a LevelDB, each write one synced batch: what was acknowledged survives kill -9 and power loss.
 *
 * Keys, with the topic's name and a NUL in between (no topic holds a NUL):
 * - `h <topic> \0 <id>` → header and proof; `d <topic> \0 <id>` → payload, apart so that it can be pruned;
 * - `p <topic> \0 <position, 8 bytes big-endian as 16 hex digits>` → id.
 */
export class LevelStore implements EntryStore {
  readonly #db: ClassicLevel<string, Uint8Array>;

  private constructor(db: ClassicLevel<string, Uint8Array>) {
    this.#db = db;
  }

  /**
   * Opens or creates the store in a folder. LevelDB's lock, which dies with its process, makes this node its only writer.
   *
   * @throws NodeError `data-dir-locked`, `data-dir-unusable`, `store-corrupt`.
   */
  static async open(path: string): Promise<LevelStore> {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      const files = await readdir(path);
      // LevelDB would take a store without CURRENT for a new one, and remove its data.
      const hasData = files.some((file) => /\.(ldb|sst|log)$/.test(file));
      if (hasData && !files.includes('CURRENT')) throw new Error('Corruption: the file CURRENT is missing');
      // It opens itself in the next tick, asked or not.
      const db = new ClassicLevel<string, Uint8Array>(path, { keyEncoding: 'utf8', valueEncoding: 'view' });
      await db.open();
      return new LevelStore(db);
    } catch (error) {
      throw openError(path, error as Error & { code?: string });
    }
  }

  async write(writes: readonly StoreWrite[]): Promise<void> {
    const batch = this.#db.batch();
    for (const write of writes) {
      if (write.type === 'position') {
        batch.put(positionKey(write.topic, write.position), Buffer.from(write.id, 'hex'));
        continue;
      }
      const { header, payload, proof } = write.parts;
      batch.put(`h${write.topic}\0${write.id}`, encodeParts({ header, payload: undefined, proof }));
      if (payload !== undefined) batch.put(`d${write.topic}\0${write.id}`, payload);
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

  async *headers(topic: Topic): AsyncGenerator<readonly StoredHeader[]> {
    const delivered = new Set<EntryId>();
    const positions = this.#db.iterator({ gt: `p${topic}\0`, lt: `p${topic}\x01` });
    for await (const rows of batches(positions)) {
      const ids = rows.map(([, id]) => Buffer.from(id).toString('hex') as EntryId);
      const records = await this.#db.getMany(ids.map((id) => `h${topic}\0${id}`));
      for (const id of ids) delivered.add(id);
      yield rows.map(([key], index) => ({ header: headerOf(records[index]), position: positionOf(key) }));
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

  async readFrom(topic: Topic, position: number, countMax: number): Promise<readonly PositionedEntry[]> {
    const range = { gte: positionKey(topic, position), lt: `p${topic}\x01`, limit: countMax };
    const rows = await this.#db.iterator(range).all();
    const all = await this.#parts(
      topic,
      rows.map(([, id]) => Buffer.from(id).toString('hex') as EntryId),
    );
    return rows.flatMap(([key], index) => {
      const parts = all[index];
      return parts === undefined ? [] : [{ position: positionOf(key), parts }];
    });
  }

  close(): Promise<void> {
    return this.#db.close();
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

function positionKey(topic: Topic, position: number): string {
  return `p${topic}\0${position.toString(16).padStart(16, '0')}`;
}

function positionOf(key: string): number {
  return Number.parseInt(key.slice(-16), 16);
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

function openError(path: string, error: Error & { code?: string }): NodeError {
  const cause = (error.cause ?? error) as Error & { code?: string };
  if (cause.code === 'LEVEL_LOCKED') {
    return new NodeError(
      'data-dir-locked',
      `another node is running on ${path}; stop it, or choose another --data-dir`,
      { cause },
    );
  }
  if (isDamage(cause)) return damaged(path, cause);
  return new NodeError('data-dir-unusable', `cannot open the store in ${path}: ${cause.message}`, { cause });
}

function isDamage({ code, message }: Error & { code?: string }): boolean {
  return code === 'LEVEL_CORRUPTION' || /corrupt|no such file/i.test(message);
}

function damaged(path: string, cause: Error): NodeError {
  const advice =
    'restore it from a backup; or move it away and let peers send its entries again, publishing nothing until they have, ' +
    'or your own log forks';
  return new NodeError('store-corrupt', `the store in ${path} is damaged (${cause.message}); ${advice}`, {
    cause,
  });
}
