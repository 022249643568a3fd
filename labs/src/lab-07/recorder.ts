import type { GossipEffect, GossipEvent, GossipMessage } from '@icn/gossip';
import { readFrame, type Observer, type SimNode, type World } from '@icn/gossip/sim';
import type { DiagramRow } from '../show/sequence-diagram.js';

/** A frame as it was said, and what became of it. */
export interface RecordedFrame {
  readonly type: 'frame';
  readonly atMs: number;
  readonly from: SimNode;
  readonly to: SimNode;
  readonly frame: Uint8Array;
  readonly message: GossipMessage;
  /** How often it arrived. */
  arrivals: number;
}

export interface RecordedNote {
  readonly type: 'note';
  readonly atMs: number;
  readonly node: SimNode | undefined;
  readonly text: string;
}

export type RecordedRow = RecordedFrame | RecordedNote;

/** More than two or three nodes ever need in a lab: what says more, says it for ever. */
const FRAMES_MAX = 30_000;

/** What a machine says without end. */
export class FrameStorm extends Error {
  override readonly name = 'FrameStorm';
}

/** Keeps what nodes said to each other, published and delivered, and tells it in words and as rows of a diagram. */
export class Recorder implements Observer {
  readonly rows: RecordedRow[] = [];
  readonly #world: World;
  readonly #underway = new Map<Uint8Array, RecordedFrame[]>();
  #frameCount = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get frames(): readonly RecordedFrame[] {
    return this.rows.filter((row) => row.type === 'frame');
  }

  sent(from: SimNode, to: SimNode, frame: Uint8Array, atMs: number): void {
    const { message } = readFrame(frame);
    if (typeof message === 'string') return;
    if (++this.#frameCount > FRAMES_MAX)
      throw new FrameStorm(
        `your nodes sent more than ${FRAMES_MAX} messages: does each answer cause another answer?`,
      );
    const row: RecordedFrame = { type: 'frame', atMs, from, to, frame, message, arrivals: 0 };
    this.rows.push(row);
    const same = this.#underway.get(frame) ?? [];
    same.push(row);
    this.#underway.set(frame, same);
  }

  arrived(from: SimNode, to: SimNode, frame: Uint8Array): void {
    const row = this.#underway.get(frame)?.find((sent) => sent.from === from && sent.to === to);
    if (row !== undefined) row.arrivals++;
  }

  told(node: SimNode, event: GossipEvent, atMs: number): void {
    if (event.type === 'peer-up')
      this.#note(atMs, node, `link to ${nameOf(this.#world.nodeOf(event.peer))} is up`);
    if (event.type === 'peer-down')
      this.#note(atMs, node, `link to ${nameOf(this.#world.nodeOf(event.peer))} is down`);
  }

  ordered(node: SimNode, effect: GossipEffect, atMs: number): void {
    if (effect.type === 'deliver') this.#note(atMs, node, `delivers ${this.entry(effect.name)}`);
    if (effect.type === 'acknowledge')
      for (const name of effect.names) this.#note(atMs, node, `has published ${this.entry(name)}`);
  }

  threw(node: SimNode, event: GossipEvent, error: unknown, atMs: number): void {
    this.#note(atMs, node, `throws on ${event.type}: ${String(error).split('\n')[0]}`);
  }

  noted(text: string, atMs: number): void {
    this.#note(atMs, undefined, text);
  }

  /** As `A/3`: the third entry of A. */
  entry({ author, seq }: { readonly author: string; readonly seq: number }): string {
    const node = this.#world.nodes.find(({ did }) => did === author);
    return `${nameOf(node)}/${seq}`;
  }

  words(row: Pick<RecordedFrame, 'message' | 'frame'>): string {
    const { message } = row;
    const isElsewhere = 'topic' in message && message.topic !== 'lobby';
    return isElsewhere ? `${this.#wordsOf(row)} (${message.topic})` : this.#wordsOf(row);
  }

  #wordsOf({ message, frame }: Pick<RecordedFrame, 'message' | 'frame'>): string {
    const { type } = message;
    if (type === 'Subscribe') return `${type} ${message.topics.join(' ')}`;
    if (type === 'Announcement') return `${type} ${this.entry(message.name)}`;
    if (type === 'PullRequest') return `${type} ${listed(message.missing.map((name) => this.entry(name)))}`;
    if (type === 'PullResponse') {
      const names = readFrame(frame).payloads.map((id) => this.#world.ledger.get(id)?.name);
      return `${type} ${listed(names.map((name) => (name === undefined ? '?' : this.entry(name))))}`;
    }
    if (type !== 'AntiEntropy') return type;
    const { summary } = message;
    if (summary?.type === 'clock') {
      const counts = summary.clock.map((head) => this.entry(head).replace('/', ': '));
      return `${type} clock {${counts.join(', ')}}`;
    }
    if (summary?.type !== 'filter') return type;
    return `${type} filter ${summary.bytes.length} bytes, salt ${summary.salt.toString(16).slice(0, 4)}`;
  }

  diagram(rows: readonly RecordedRow[] = this.rows): DiagramRow[] {
    return rows.map((row) => {
      if (row.type === 'note') return { type: 'note', atMs: row.atMs, at: row.node?.index, text: row.text };
      const { atMs, from, to, arrivals } = row;
      return {
        type: 'arrow',
        atMs,
        from: from.index,
        to: to.index,
        text: this.words(row),
        lost: arrivals === 0,
      };
    });
  }

  #note(atMs: number, node: SimNode | undefined, text: string): void {
    this.rows.push({ type: 'note', atMs, node, text });
  }
}

/** Nodes of labs are A, B, C… */
export function nameOf(node: SimNode | undefined): string {
  return node === undefined ? '?' : String.fromCharCode(65 + node.index);
}

function listed(names: readonly string[]): string {
  return names.length > 4 ? `${names.slice(0, 4).join(' ')} and ${names.length - 4} more` : names.join(' ');
}
