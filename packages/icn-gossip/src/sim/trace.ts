import type { GossipEffect, GossipEvent } from '../events.js';
import type { Observer } from './observer.js';
import type { SimNode } from './sim-node.js';
import { TraceWords } from './trace-words.js';
import type { World } from './world.js';

/** One thing that happened; kept as it was, and put into words only where somebody reads it. */
type TraceRecord = { readonly atMs: number; readonly node: SimNode | undefined } & (
  | { readonly type: 'event'; readonly event: GossipEvent }
  | { readonly type: 'effect'; readonly effect: GossipEffect }
  | { readonly type: 'note'; readonly text: string }
);

/** Lines that are always kept (guess: a screen or three). */
const KEPT_LINES = 120;

/**
 * What happened in a world, one line each: time, node, event or effect. The last lines are always kept; all lines go
 * to `print` where it is given. Nodes are `n0`, `n1`…, entries author/seq, as `n3/7`; where an author forked, with the
 * first digits of the id.
 */
export class Trace implements Observer {
  readonly #print: ((line: string) => void) | undefined;
  readonly #words: TraceWords;
  readonly #ring: TraceRecord[] = [];
  #next = 0;

  constructor(world: World, print?: (line: string) => void) {
    this.#words = new TraceWords(world);
    this.#print = print;
  }

  /** The last lines, oldest first. */
  lastLines(): readonly string[] {
    return this.#lastRecords().map((record) => this.#lineOf(record));
  }

  /** The last frames as a Mermaid sequence diagram. */
  mermaid(): string {
    const rows = this.#lastRecords().flatMap((record) => this.#arrowsOf(record));
    return ['sequenceDiagram', ...rows.map((row) => `  ${row}`)].join('\n');
  }

  booted(node: SimNode, atMs: number): void {
    this.#add({ atMs, node, type: 'note', text: 'starts' });
  }

  crashed(node: SimNode, atMs: number): void {
    this.#add({ atMs, node, type: 'note', text: 'crashes' });
  }

  rolledBack(node: SimNode, atMs: number): void {
    this.#add({ atMs, node, type: 'note', text: 'gets an old backup of its disk' });
  }

  told(node: SimNode, event: GossipEvent, atMs: number): void {
    this.#add({ atMs, node, type: 'event', event });
  }

  ordered(node: SimNode, effect: GossipEffect, atMs: number): void {
    this.#add({ atMs, node, type: 'effect', effect });
  }

  threw(node: SimNode, _event: GossipEvent, error: unknown, atMs: number): void {
    this.#add({ atMs, node, type: 'note', text: `throws ${String(error)}` });
  }

  noted(text: string, atMs: number): void {
    this.#add({ atMs, node: undefined, type: 'note', text });
  }

  #add(record: TraceRecord): void {
    if (this.#print !== undefined) this.#print(this.#lineOf(record));
    this.#ring[this.#next] = record;
    this.#next = (this.#next + 1) % KEPT_LINES;
  }

  #lastRecords(): readonly TraceRecord[] {
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
  }

  #lineOf(record: TraceRecord): string {
    const { atMs, node } = record;
    return `${atMs.toFixed(3).padStart(11)} ${(node?.label ?? '').padEnd(5)} ${this.#wordsOf(record)}`;
  }

  #wordsOf(record: TraceRecord): string {
    switch (record.type) {
      case 'note':
        return `* ${record.text}`;
      case 'event':
        return `< ${this.#words.event(record.event)}`;
      case 'effect':
        return `> ${this.#words.effect(record.effect)}`;
    }
  }

  #arrowsOf({ node, ...record }: TraceRecord): string[] {
    if (record.type === 'note')
      return node === undefined ? [] : [`Note over ${node.label}: ${record.text.replaceAll(/[:;#]/g, ' ')}`];
    if (record.type !== 'effect' || record.effect.type !== 'send' || node === undefined) return [];
    const { to, frame } = record.effect;
    const words = this.#words.frame(frame).replaceAll(/[;#]/g, ' ');
    return to.map((peer) => `${node.label}->>${this.#words.peer(peer)}: ${words}`);
  }
}
