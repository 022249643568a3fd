import { spawn, type ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ControlClient, RefusedError } from '../control/control-client.js';
import type { EntryJson, ItemJson, PublishedJson, StatusJson } from '../json.js';

/** The command as it is installed: the compiled file, also when this module runs from source in a test. */
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** One line of `icn up --json`. */
export type UpLine = { readonly type: string } & Readonly<Record<string, unknown>>;

export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one `icn` command to its end, with `input` as its standard input. */
export function runIcn(args: readonly string[], input: string | Uint8Array = ''): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.once('error', reject);
    child.once('close', (exitCode) => {
      resolve({
        exitCode,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
    // A command that fails at once does not read its input.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** A node in a process of its own, spoken to over its control socket as the `icn` commands do. */
export class IcnProcess {
  readonly dataDir: string;
  readonly lines: UpLine[] = [];
  readonly exited: Promise<number | null>;
  #stderr = '';
  readonly #child: ChildProcess;
  readonly #client: ControlClient;
  readonly #watchers = new Set<() => void>();

  private constructor(dataDir: string, args: readonly string[]) {
    this.dataDir = dataDir;
    this.#client = new ControlClient(dataDir);
    this.#child = spawn(process.execPath, [CLI, 'up', '--json', '--data-dir', dataDir, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let rest = '';
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) this.lines.push(JSON.parse(part) as UpLine);
      this.#wake();
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.exited = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
    void this.exited.then(() => this.#wake());
  }

  /** Starts a node and waits until it listens. Throws with what it said on standard error where it ends instead. */
  static async start(dataDir: string, args: readonly string[]): Promise<IcnProcess> {
    const node = new IcnProcess(dataDir, args);
    try {
      await node.line(({ type }) => type === 'listening');
      return node;
    } catch (error) {
      await node.end('SIGKILL');
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get did(): string {
    return this.#listening.did as string;
  }

  get address(): string {
    return (this.#listening.addresses as string[])[0]!;
  }

  get #listening(): UpLine {
    return this.lines.find(({ type }) => type === 'listening')!;
  }

  /** The first line that matches, now or later. */
  async line(matches: (line: UpLine) => boolean, timeoutMs = 20_000): Promise<UpLine> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = this.lines.find(matches);
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`the node ended: ${this.#stderr}`);
      if (Date.now() >= deadline)
        throw new Error(`the node did not say what was waited for; it said ${JSON.stringify(this.lines)}`);
      await this.#next(deadline - Date.now());
    }
  }

  status(): Promise<StatusJson> {
    return this.#client.status();
  }

  publish(topic: string, text: string): Promise<PublishedJson> {
    return this.#client.publish(topic, Buffer.from(text));
  }

  async publishLines(topic: string, lines: readonly string[]): Promise<PublishedJson[]> {
    const published: PublishedJson[] = [];
    for await (const line of this.#client.publishLines(
      topic,
      Readable.from(lines.map((text) => `${text}\n`)),
    )) {
      if ('error' in line) throw new RefusedError(line);
      published.push(line);
    }
    return published;
  }

  async entries(topic: string): Promise<EntryJson[]> {
    const items = await this.items(topic);
    return items.filter((item) => item.type === 'entry');
  }

  /** What each position holds, entries and notices. */
  async items(topic: string): Promise<ItemJson[]> {
    const items: ItemJson[] = [];
    for await (const item of this.#client.items(topic, { from: '1', follow: false })) items.push(item);
    return items;
  }

  async block(did: string): Promise<void> {
    await this.#client.setBlocked(did, true);
  }

  async unblock(did: string): Promise<void> {
    await this.#client.setBlocked(did, false);
  }

  /** Sends a signal and resolves with the exit code; null where the signal killed the process. */
  end(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    return this.exited;
  }

  #next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, timeoutMs);
      const watchers = this.#watchers;
      watchers.add(done);
      function done(): void {
        clearTimeout(timer);
        watchers.delete(done);
        resolve();
      }
    });
  }

  #wake(): void {
    for (const wake of [...this.#watchers]) wake();
  }
}

/** Asks every few milliseconds until `check` holds; throws what it last said otherwise. */
export async function eventually<Value>(
  ask: () => Promise<Value>,
  check: (value: Value) => boolean,
  timeoutMs: number,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await ask();
    if (check(value)) return value;
    if (Date.now() >= deadline)
      throw new Error(`not within ${timeoutMs} ms; last seen ${JSON.stringify(value)}`);
    await delay(20);
  }
}
