import type { Disk, ReadFile } from '../../src/node/keystore.js';

/** What each step throws once the power is cut. */
export class PowerCut extends Error {}

interface Content {
  bytes: Uint8Array;
  isSynced: boolean;
  /** Long ago, for what was found after a power cut. */
  readonly modifiedMs: number;
}

type Names = Map<string, Content>;

/** A change of names that is not on the disk yet. */
type Pending = (names: Names) => void;

/**
 * A disk whose power can be cut before, or in the middle of, any step, and which then has lost what no sync promised:
 * any of the changes of names since the last `syncFolder`, and of content that was not synced all, half, or
 * everything but its length.
 */
export class SimulatedDisk implements Disk {
  readonly #durable: Names;
  readonly #names: Names;
  readonly #pending: Pending[] = [];
  #stepsLeft = Number.POSITIVE_INFINITY;
  #isCut = false;
  stepCount = 0;

  constructor(durable: Names = new Map()) {
    this.#durable = new Map(durable);
    this.#names = new Map(durable);
  }

  static of(files: Readonly<Record<string, string | Uint8Array>>): SimulatedDisk {
    const contents = Object.entries(files).map(([name, content]) => {
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      return [name, { bytes, isSynced: true, modifiedMs: 0 }] as const;
    });
    return new SimulatedDisk(new Map(contents));
  }

  get names(): readonly string[] {
    return [...this.#names.keys()].sort();
  }

  text(name: string): string | undefined {
    const content = this.#names.get(name);
    return content === undefined ? undefined : new TextDecoder().decode(content.bytes);
  }

  content(name: string): Uint8Array | undefined {
    return this.#names.get(name)?.bytes;
  }

  /** The power is cut in the step after so many. */
  cutAfter(steps: number): this {
    this.#stepsLeft = steps;
    return this;
  }

  /** Every state in which the disk may be found after the power was cut, each once. */
  *afterCut(): Generator<SimulatedDisk> {
    const seen = new Set<string>();
    for (let chosen = 0; chosen < 2 ** this.#pending.length; chosen += 1) {
      const names = new Map(this.#durable);
      for (const [index, change] of this.#pending.entries()) if ((chosen >> index) & 1) change(names);
      for (const found of contentsAfterCut(names)) {
        const state = JSON.stringify(found.names.map((name) => [name, found.text(name)]));
        if (!seen.has(state)) yield found;
        seen.add(state);
      }
    }
  }

  /** The same files, all synced long ago, and power. */
  clone(): SimulatedDisk {
    return SimulatedDisk.of(Object.fromEntries(this.names.map((name) => [name, this.content(name)!])));
  }

  resolve(path: string): Promise<string> {
    return this.#step(() => {
      this.#content(path);
      return path;
    });
  }

  read(path: string, bytesMax: number): Promise<ReadFile> {
    return this.#step(() => {
      const { bytes, modifiedMs } = this.#content(path);
      const facts = { byteCount: bytes.length, isFile: true, mode: 0o600, modifiedMs };
      return { ...facts, bytes: bytes.slice(0, bytesMax) };
    });
  }

  create(path: string, bytes: Uint8Array): Promise<void> {
    const content: Content = { bytes: new Uint8Array(), isSynced: false, modifiedMs: Date.now() };
    return this.#step(
      () => {
        this.#assertFree(path);
        this.#change((names) => names.set(path, content));
        content.bytes = bytes.slice();
      },
      () => {
        this.#change((names) => names.set(path, content));
        content.bytes = bytes.slice(0, bytes.length / 2);
      },
    );
  }

  sync(path: string): Promise<void> {
    return this.#step(() => {
      this.#content(path).isSynced = true;
    });
  }

  link(from: string, to: string): Promise<void> {
    return this.#step(() => {
      const content = this.#content(from);
      this.#assertFree(to);
      this.#change((names) => names.set(to, content));
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#step(() => {
      const content = this.#content(from);
      this.#change((names) => {
        names.set(to, content);
        names.delete(from);
      });
    });
  }

  remove(path: string): Promise<void> {
    return this.#step(() => {
      if (this.#names.has(path)) this.#change((names) => names.delete(path));
    });
  }

  list(): Promise<readonly string[]> {
    return this.#step(() => this.names.map((path) => path.slice(path.lastIndexOf('/') + 1)));
  }

  syncFolder(): Promise<void> {
    return this.#step(() => {
      for (const change of this.#pending.splice(0)) change(this.#durable);
    });
  }

  async #step<Result>(whole: () => Result, half: () => void = () => undefined): Promise<Result> {
    await Promise.resolve();
    if (this.#isCut) throw new PowerCut();
    if (this.#stepsLeft === 0) {
      this.#isCut = true;
      half();
      throw new PowerCut();
    }
    this.#stepsLeft -= 1;
    this.stepCount += 1;
    return whole();
  }

  #change(change: Pending): void {
    change(this.#names);
    this.#pending.push(change);
  }

  #content(path: string): Content {
    const content = this.#names.get(path);
    if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    return content;
  }

  #assertFree(path: string): void {
    if (this.#names.has(path)) throw Object.assign(new Error(`EEXIST: ${path}`), { code: 'EEXIST' });
  }
}

/** Each file that was not synced in each state that it may be in. */
function* contentsAfterCut(names: Names, given?: [string, Content][]): Generator<SimulatedDisk> {
  const [first, ...rest] = given ?? [...names];
  if (first === undefined) {
    yield new SimulatedDisk(names);
    return;
  }
  const [name, { bytes, isSynced }] = first;
  const states = isSynced
    ? [bytes]
    : [bytes, new Uint8Array(), bytes.slice(0, bytes.length / 2), new Uint8Array(bytes.length)];
  for (const state of states) {
    yield* contentsAfterCut(
      new Map([...names, [name, { bytes: state, isSynced: true, modifiedMs: 0 }]]),
      rest,
    );
  }
}

/** The same disk, each of whose steps waits for a few turns first. */
export function inRandomOrder(disk: SimulatedDisk, random: (below: number) => number): Disk {
  const step =
    <Arguments extends unknown[], Result>(run: (...args: Arguments) => Promise<Result>) =>
    async (...args: Arguments): Promise<Result> => {
      for (let turns = random(20); turns > 0; turns -= 1) await Promise.resolve();
      return run(...args);
    };
  return {
    resolve: step((path) => disk.resolve(path)),
    read: step((path, bytesMax) => disk.read(path, bytesMax)),
    create: step((path, bytes) => disk.create(path, bytes)),
    sync: step((path) => disk.sync(path)),
    link: step((from, to) => disk.link(from, to)),
    rename: step((from, to) => disk.rename(from, to)),
    remove: step((path) => disk.remove(path)),
    list: step(() => disk.list()),
    syncFolder: step(() => disk.syncFolder()),
  };
}
