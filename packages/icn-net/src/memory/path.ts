import type { Clock } from './clock.js';

export interface MemoryPathOptions {
  readonly clock: Clock;
  /** How long the next message takes, in milliseconds. */
  readonly latencyMs: () => number;
  /** May be `Infinity`. */
  readonly bytesPerSecond: number;
}

interface Message {
  atMs: number;
  readonly arrive: () => void;
}

/**
 * One direction between two nodes: what is sent arrives once, in order, later. While it is silent nothing arrives and
 * nothing is lost, because what transports send unheard they send again.
 */
export class MemoryPath {
  readonly #options: MemoryPathOptions;
  #underWay: Message[] = [];
  #isSilent = false;
  /** When the last byte that was sent has left. */
  #sentAtMs = -Infinity;
  #disarm: (() => void) | undefined;

  constructor(options: MemoryPathOptions) {
    this.#options = options;
  }

  send(arrive: () => void, byteCount = 0): void {
    const { clock, latencyMs, bytesPerSecond } = this.#options;
    this.#sentAtMs = Math.max(clock.nowMs(), this.#sentAtMs) + (byteCount * 1000) / bytesPerSecond;
    const earliestMs = this.#underWay.at(-1)?.atMs ?? 0;
    this.#underWay.push({ atMs: Math.max(earliestMs, this.#sentAtMs + latencyMs()), arrive });
    this.#arm();
  }

  /** Whether the other side hears anything. What it missed arrives one latency after it hears again. */
  setSilent(isSilent: boolean): void {
    if (this.#isSilent === isSilent) return;
    this.#isSilent = isSilent;
    this.#disarm?.();
    this.#disarm = undefined;
    if (isSilent) return;
    const againAtMs = this.#options.clock.nowMs() + this.#options.latencyMs();
    for (const message of this.#underWay) message.atMs = Math.max(message.atMs, againAtMs);
    this.#arm();
  }

  /** Forgets what is under way. */
  clear(): void {
    this.#underWay = [];
    this.#disarm?.();
    this.#disarm = undefined;
  }

  #arm(): void {
    const [first] = this.#underWay;
    if (first === undefined || this.#isSilent || this.#disarm !== undefined) return;
    this.#disarm = this.#options.clock.after(first.atMs - this.#options.clock.nowMs(), () => {
      this.#disarm = undefined;
      this.#flush();
      this.#arm();
    });
  }

  /** What is sent from within an arrival waits for the next turn, even without latency. */
  #flush(): void {
    const nowMs = this.#options.clock.nowMs();
    const firstLater = this.#underWay.findIndex(({ atMs }) => atMs > nowMs);
    const dueCount = firstLater === -1 ? this.#underWay.length : firstLater;
    for (let count = 0; count < dueCount && !this.#isSilent; count += 1) this.#underWay.shift()?.arrive();
  }
}
