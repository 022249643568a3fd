import { readFile, rename, writeFile } from 'node:fs/promises';
import { isDid, type Did } from '@icn/identity';
import { z } from 'zod';
import { NodeError } from './errors.js';

const schema = z.array(z.string().refine(isDid)).max(65_536);

/** The peers that the operator refuses, kept in a file so that a restart does not let them in again. */
export class BlockList {
  readonly #path: string | undefined;
  readonly #blocked: Set<Did>;
  #saved: Promise<void> = Promise.resolve();

  private constructor(path: string | undefined, blocked: readonly Did[]) {
    this.#path = path;
    this.#blocked = new Set(blocked);
  }

  /** Reads the list; without a path it lives in memory. A file that cannot be read blocks the start, not nobody. */
  static async open(path: string | undefined): Promise<BlockList> {
    if (path === undefined) return new BlockList(path, []);
    try {
      return new BlockList(path, schema.parse(JSON.parse(await readFile(path, 'utf8'))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new BlockList(path, []);
      const message = `cannot read the list of blocked peers in ${path}: repair the file, or remove it to block nobody`;
      throw new NodeError('data-dir-unusable', message, { cause: error });
    }
  }

  [Symbol.iterator](): IterableIterator<Did> {
    return this.#blocked.values();
  }

  async add(did: Did): Promise<void> {
    this.#blocked.add(did);
    await this.#save();
  }

  async delete(did: Did): Promise<void> {
    if (this.#blocked.delete(did)) await this.#save();
  }

  /** One save after another, each with what is blocked then. */
  #save(): Promise<void> {
    this.#saved = this.#saved.catch(() => undefined).then(() => this.#write());
    return this.#saved;
  }

  async #write(): Promise<void> {
    if (this.#path === undefined) return;
    const temporary = `${this.#path}.${process.pid}.tmp`;
    await writeFile(temporary, `${JSON.stringify([...this.#blocked], null, 2)}\n`, {
      mode: 0o600,
      flush: true,
    });
    await rename(temporary, this.#path);
  }
}
