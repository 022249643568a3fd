import type { Did } from '@icn/identity';
import type { CloseReason } from '../protocol.js';
import type { MemoryPath } from './path.js';

/** One end of a wire: what can be sent from here, and what happens to the wire as seen from here. */
export class WireEnd {
  readonly local: Did;
  readonly remote: Did;
  /** Called when nothing is heard of the other end any more, and when it is again. */
  onSilence: (isSilent: boolean) => void = () => undefined;
  /** Called when the wire breaks in a way that is noticed at once. */
  onBroken: (reason: CloseReason) => void = () => undefined;
  readonly #wire: MemoryWire;
  readonly #out: MemoryPath;

  constructor(local: Did, remote: Did, wire: MemoryWire, out: MemoryPath) {
    this.local = local;
    this.remote = remote;
    this.#wire = wire;
    this.#out = out;
  }

  /** Has something happen at the other end, later, in order. */
  send(arrive: () => void, byteCount?: number): void {
    this.#out.send(arrive, byteCount);
  }

  /** Resolves when what is sent now has arrived; stays open for ever if it does not. */
  crossed(): Promise<void> {
    return new Promise((resolve) => this.send(resolve));
  }

  /** This end is over; what it has sent still arrives. The wire is gone when both ends are. */
  leave(): void {
    this.#wire.onLeft(this);
  }

  /** This end falls silent for good, with what it has sent: the other end hears no more of it. */
  fallSilent(): void {
    this.#out.clear();
    this.#wire.otherEnd(this).onSilence(true);
    this.leave();
  }

  setSilent(isSilent: boolean): void {
    this.#out.setSilent(isSilent);
  }

  clear(): void {
    this.#out.clear();
  }
}

/** What lies between two nodes for the life of one connection, from its first message on: a path each way. */
export class MemoryWire {
  readonly near: WireEnd;
  readonly far: WireEnd;
  readonly #onGone: () => void;
  readonly #left = new Set<WireEnd>();

  constructor(
    [from, to]: readonly [Did, Did],
    [out, back]: readonly [MemoryPath, MemoryPath],
    onGone: () => void,
  ) {
    this.near = new WireEnd(from, to, this, out);
    this.far = new WireEnd(to, from, this, back);
    this.#onGone = onGone;
  }

  joins(a: string, b: string): boolean {
    const { local, remote } = this.near;
    return (local === a && remote === b) || (local === b && remote === a);
  }

  otherEnd(end: WireEnd): WireEnd {
    return end === this.near ? this.far : this.near;
  }

  /** Both ends hear each other, or do not, as `reaches` says. */
  update(reaches: (from: Did, to: Did) => boolean): void {
    for (const end of [this.near, this.far]) {
      const isSilent = !reaches(end.local, end.remote);
      end.setSilent(isSilent);
      // Who left says nothing more, whatever the way there is like.
      if (!this.#left.has(end)) this.otherEnd(end).onSilence(isSilent);
    }
  }

  /** Both ends learn at once that it is over. */
  break(reason: CloseReason): void {
    this.near.onBroken(reason);
    this.far.onBroken(reason);
  }

  /** The end of this DID dies without a word. */
  kill(did: string): void {
    for (const end of [this.near, this.far]) {
      if (end.local !== did) continue;
      end.fallSilent();
      end.onBroken({ code: 'unknown', by: 'network', text: 'the node was killed' });
    }
  }

  onLeft(end: WireEnd): void {
    this.#left.add(end);
    if (this.#left.size === 2) this.release();
  }

  /** Nothing arrives any more, at either end. */
  release(): void {
    this.near.clear();
    this.far.clear();
    this.#onGone();
  }
}
