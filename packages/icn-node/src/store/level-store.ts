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
      const batch: StoredHeader[] = [];
      for (const [index, [key]] of rows.entries()) {
        const header = headerOf(records[index]);
        if (header === undefined) continue;
        delivered.add(ids[index]!);
        batch.push({ header, position: positionOf(key) });
      }
      yield batch;
    }
    for await (const rows of batches(this.#db.iterator({ gt: `h${topic}\0`, lt: `h${topic}\x01` }))) {
      const waiting = rows.filter(([key]) => !delivered.has(key.slice(topic.length + 2) as EntryId));
      const headers = waiting.map(([, record]) => headerOf(record)).filter((header) => header !== undefined);
      yield headers.map((header) => ({ header, position: undefined }));
    }
  }

  read(
    topic: Topic,
    ids: readonly EntryId[],
    bytesMax: number,
  ): Promise<readonly (EntryParts | undefined)[]> {
    return readWithin(ids, bytesMax, (id) => this.#parts(topic, id));
  }

  async readFrom(topic: Topic, position: number, countMax: number): Promise<readonly PositionedEntry[]> {
    const range = { gte: positionKey(topic, position), lt: `p${topic}\x01`, limit: countMax };
    const rows = await this.#db.iterator(range).all();
    const entries: PositionedEntry[] = [];
    for (const [key, id] of rows) {
      const parts = await this.#parts(topic, Buffer.from(id).toString('hex') as EntryId);
      if (parts !== undefined) entries.push({ position: positionOf(key), parts });
    }
    return entries;
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  async #parts(topic: Topic, id: EntryId): Promise<EntryParts | undefined> {
    const [record, payload] = await this.#db.getMany([`h${topic}\0${id}`, `d${topic}\0${id}`]);
    const parts = record === undefined ? undefined : decodeParts(record);
    return parts !== undefined && entryIdOf(parts.header) === id ? { ...parts, payload } : undefined;
  }
}

const ROWS_PER_BATCH = 1_000;

function headerOf(record: Uint8Array | undefined): Uint8Array | undefined {
  return record === undefined ? undefined : decodeParts(record)?.header;
}

function positionKey(topic: Topic, position: number): string {
  return `p${topic}\0${position.toString(16).padStart(16, '0')}`;
}

function positionOf(key: string): number {
  return Number.parseInt(key.slice(-16), 16);
}

type Rows = [string, Uint8Array][];

async function* batches(iterator: {
  nextv(size: number): Promise<Rows>;
  close(): Promise<void>;
}): AsyncGenerator<Rows> {
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
