import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { NodeError } from './errors.js';

const COUNT_MAX = 65_536;

export interface SavedSetOptions<Value extends string> {
  /** The file; without one the set lives in memory. */
  readonly path: string | undefined;
  /** What it is, for errors: `the list of …`. */
  readonly name: string;
  readonly isValue: (text: string) => text is Value;
}

/** What the operator said of peers or topics, kept in a file so that a restart does not forget it. */
export class SavedSet<Value extends string> {
  readonly #path: string | undefined;
  readonly #name: string;
  readonly #values: Set<Value>;
  #saved: Promise<void> = Promise.resolve();

  private constructor({ path, name }: SavedSetOptions<Value>, values: readonly Value[]) {
    this.#path = path;
    this.#name = name;
    this.#values = new Set(values);
  }

  /** Reads the set. Throws NodeError `data-dir-unusable` where the file cannot be read: nothing is taken for empty. */
  static async open<Value extends string>(options: SavedSetOptions<Value>): Promise<SavedSet<Value>> {
    const { path, name, isValue } = options;
    if (path === undefined) return new SavedSet(options, []);
    try {
      const schema = z.array(z.string().refine(isValue)).max(COUNT_MAX);
      return new SavedSet(options, schema.parse(JSON.parse(await readFile(path, 'utf8'))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new SavedSet(options, []);
      const message = `cannot read the list of ${name} in ${path}: repair the file, or remove it for an empty one`;
      throw new NodeError('data-dir-unusable', message, { cause: error });
    }
  }

  [Symbol.iterator](): IterableIterator<Value> {
    return this.#values.values();
  }

  has(value: Value): boolean {
    return this.#values.has(value);
  }

  /** Durable when it resolves. Throws NodeError `request-refused` where the list is full. */
  async add(value: Value): Promise<void> {
    if (this.#values.size >= COUNT_MAX && !this.#values.has(value))
      throw new NodeError('request-refused', `the list of ${this.#name} is full: it holds ${COUNT_MAX}`);
    this.#values.add(value);
    await this.#save();
  }

  /** Durable when it resolves. */
  async delete(value: Value): Promise<void> {
    if (this.#values.delete(value)) await this.#save();
  }

  /** One save after another, each with what is in the set then. */
  #save(): Promise<void> {
    this.#saved = this.#saved.catch(() => undefined).then(() => this.#write());
    return this.#saved;
  }

  async #write(): Promise<void> {
    if (this.#path === undefined) return;
    const temporary = `${this.#path}.${process.pid}.tmp`;
    await writeFile(temporary, `${JSON.stringify([...this.#values], null, 2)}\n`, {
      mode: 0o600,
      flush: true,
    });
    await rename(temporary, this.#path);
  }
}
