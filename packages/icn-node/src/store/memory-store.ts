import type {
  EntryId,
  EntryParts,
  EntryStore,
  PositionedEntry,
  StoredHeader,
  StoreWrite,
  Topic,
} from '@icn/gossip';
import { readWithin } from './read-within.js';

interface TopicEntries {
  readonly parts: Map<EntryId, EntryParts>;
  /** Ids by position, index position − 1. */
  readonly delivered: EntryId[];
}

/** Keeps entries for the life of the process: for tests, demos, and nodes that own no disk. */
export class MemoryStore implements EntryStore {
  readonly #topics = new Map<Topic, TopicEntries>();

  write(writes: readonly StoreWrite[]): Promise<void> {
    for (const write of writes) {
      const topic = this.#topicOf(write.topic);
      if (write.type === 'entry') topic.parts.set(write.id, write.parts);
      else topic.delivered[write.position - 1] = write.id;
    }
    return Promise.resolve();
  }

  topics(): Promise<readonly Topic[]> {
    return Promise.resolve([...this.#topics.keys()].sort());
  }

  async *headers(topic: Topic): AsyncGenerator<readonly StoredHeader[]> {
    const { parts, delivered } = this.#topicOf(topic);
    const ids = new Set(delivered);
    yield delivered.map((id, index) => ({ header: parts.get(id)!.header, position: index + 1 }));
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

  readFrom(topic: Topic, position: number, countMax: number): Promise<readonly PositionedEntry[]> {
    const { parts, delivered } = this.#topicOf(topic);
    const ids = delivered.slice(position - 1, position - 1 + countMax);
    return Promise.resolve(ids.map((id, index) => ({ position: position + index, parts: parts.get(id)! })));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #topicOf(topic: Topic): TopicEntries {
    let entries = this.#topics.get(topic);
    if (entries === undefined) this.#topics.set(topic, (entries = { parts: new Map(), delivered: [] }));
    return entries;
  }
}
