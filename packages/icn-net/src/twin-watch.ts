import type { CloseReason } from './protocol.js';

/**
 * Tells a node that dials itself from one that meets another process with its own key. A first packet names the
 * connection id that its sender drew (RFC 9000 §7.2, 128 random bits): where that is one of our own dials, the sender is
 * this very process, whatever address translation or relay was on the way. Only what this side judged counts, because
 * a peer may close with any code it likes.
 */
export class TwinWatch {
  readonly #onTwin: () => void;
  readonly #dials = new Map<string, { isOwn: boolean }>();

  constructor(onTwin: () => void) {
    this.#onTwin = onTwin;
  }

  /** A dial begins under this connection id; returns what to call when it is over. */
  dialled(id: string): (reason: CloseReason) => void {
    const dial = { isOwn: false };
    this.#dials.set(id, dial);
    return (reason) => {
      this.#dials.delete(id);
      if (!dial.isOwn) this.#judge(reason);
    };
  }

  /** A first packet came from who drew this connection id; returns what to call when its connection is over. */
  accepted(sourceId: string): (reason: CloseReason) => void {
    const dial = this.#dials.get(sourceId);
    if (dial === undefined) return (reason) => this.#judge(reason);
    dial.isOwn = true;
    return () => undefined;
  }

  #judge({ code, by }: CloseReason): void {
    if (code === 'own-did' && by === 'us') this.#onTwin();
  }
}
