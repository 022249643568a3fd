import { Readable } from 'node:stream';
import { ControlClient, RefusedError } from '../control/control-client.js';
import type { EntryJson, ItemJson, PublishedJson, StatusJson } from '../json.js';

/** One line of `icn up --json`. */
export type UpLine = { readonly type: string } & Readonly<Record<string, unknown>>;

export type EndSignal = 'SIGINT' | 'SIGTERM' | 'SIGKILL';

/** A running node as the tools see it: what it says as `icn up --json`, and what can be asked over its control socket. */
export abstract class ControlledNode {
  readonly dataDir: string;
  readonly lines: UpLine[] = [];
  readonly #client: ControlClient;
  readonly #watchers = new Set<() => void>();

  constructor(dataDir: string) {
    this.dataDir = dataDir;
    this.#client = new ControlClient(dataDir);
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
      const why = this.endedBecause();
      if (why !== undefined) throw new Error(`the node ended: ${why}`);
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

  /** Ends the node, in order or by SIGKILL without a word. */
  abstract end(signal?: EndSignal): Promise<unknown>;

  /** What it said when it ended; `undefined` while it runs. */
  protected abstract endedBecause(): string | undefined;

  /** It said something more, or ended. */
  protected said(...lines: readonly UpLine[]): void {
    this.lines.push(...lines);
    for (const wake of [...this.#watchers]) wake();
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
}
