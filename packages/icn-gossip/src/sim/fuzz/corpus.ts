import { readFrame } from '../frames.js';
import type { Observer } from '../observer.js';
import type { SeededRandom } from '../seeded-random.js';
import type { SimNode } from '../sim-node.js';
import { FRAME_KINDS, kindOf, type FrameKind } from './frame-kinds.js';

/** Frames kept of each kind; later ones take the place of the oldest (guess). */
const KEPT_OF_KIND = 24;
/** Larger frames cost too much to be twisted a thousand times a second (guess). */
const FRAME_BYTES_MAX = 70_000;

/** What honest nodes said to each other, the last frames of each kind. */
export class Corpus implements Observer {
  readonly #frames = new Map<FrameKind, Uint8Array[]>();
  readonly #next = new Map<FrameKind, number>();

  sent(from: SimNode, _to: SimNode, frame: Uint8Array): void {
    if (from.isHonest) this.add(frame);
  }

  add(frame: Uint8Array): void {
    if (frame.length > FRAME_BYTES_MAX) return;
    const { message } = readFrame(frame);
    const kind = typeof message === 'string' ? undefined : kindOf(message);
    if (kind === undefined) return;
    const frames = this.#frames.get(kind) ?? [];
    this.#frames.set(kind, frames);
    const next = this.#next.get(kind) ?? 0;
    frames[next] = frame;
    this.#next.set(kind, (next + 1) % KEPT_OF_KIND);
  }

  /** Kinds of which nothing was heard. */
  get missing(): readonly FrameKind[] {
    return FRAME_KINDS.filter((kind) => !this.#frames.has(kind));
  }

  /** A frame of any kind, each kind as likely as any other; undefined where nothing was heard. */
  draw(random: SeededRandom): Uint8Array | undefined {
    if (this.#frames.size === 0) return undefined;
    return random.pick(this.#frames.get(random.pick([...this.#frames.keys()]))!);
  }

  /** All frames, for who wants to learn words from them. */
  *all(): Generator<Uint8Array> {
    for (const frames of this.#frames.values()) yield* frames;
  }
}
