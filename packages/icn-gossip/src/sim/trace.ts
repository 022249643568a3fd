import type { Did } from '@icn/identity';
import type { EntryId, EntryName } from '../entry/entry-name.js';
import type { StoreWrite } from '../entry/entry-store.js';
import type { GossipEffect, GossipEvent } from '../events.js';
import type { GossipMessage, LogName, Summary } from '../wire/messages.js';
import { readFrame } from './frames.js';
import type { Observer } from './observer.js';
import type { SimNode } from './sim-node.js';
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
  /** Set before the first line is read: it knows the nodes by their DIDs. */
  world: World | undefined;
  readonly #print: ((line: string) => void) | undefined;
  readonly #ring: TraceRecord[] = [];
  #next = 0;

  constructor(print?: (line: string) => void) {
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
        return `< ${this.#eventWords(record.event)}`;
      case 'effect':
        return `> ${this.#effectWords(record.effect)}`;
    }
  }

  #arrowsOf({ node, ...record }: TraceRecord): string[] {
    if (record.type === 'note')
      return node === undefined ? [] : [`Note over ${node.label}: ${record.text.replaceAll(/[:;#]/g, ' ')}`];
    if (record.type !== 'effect' || record.effect.type !== 'send' || node === undefined) return [];
    const { to, frame } = record.effect;
    const words = this.#frameWords(frame).replaceAll(/[;#]/g, ' ');
    return to.map((peer) => `${node.label}->>${this.#peer(peer)}: ${words}`);
  }

  #eventWords(event: GossipEvent): string {
    switch (event.type) {
      case 'received':
        return `${this.#peer(event.from)} ${this.#frameWords(event.frame)}`;
      case 'peer-up':
      case 'peer-down':
      case 'unreachable':
        return `${event.type} ${this.#peer(event.peer)}`;
      case 'restored':
        return `restored ${event.topic}: ${event.entries.length} headers`;
      case 'joined':
      case 'left':
        return `${event.type} ${event.topic}`;
      case 'submitted':
        return `submitted ${event.ref} ${event.topic}: ${event.payload.length} bytes`;
      case 'persisted':
        return `persisted #${event.write}`;
      case 'loaded':
        return `loaded #${event.load}: ${event.entries.length}`;
      case 'woke':
      case 'twin-met':
        return event.type;
    }
  }

  #effectWords(effect: GossipEffect): string {
    switch (effect.type) {
      case 'send':
        return `${effect.to.map((peer) => this.#peer(peer)).join(' ')} ${this.#frameWords(effect.frame)}`;
      case 'persist':
        return `persist #${effect.write}: ${effect.writes.map((write) => this.#writeWords(write)).join(', ')}`;
      case 'load':
        return `load #${effect.load}: ${effect.ids.length} within ${effect.bytesMax}`;
      case 'deliver': {
        const marks = `${effect.late ? ' late' : ''}${effect.forked ? ' forked' : ''}`;
        return `deliver ${effect.topic} ${effect.position}: ${this.#entry(effect.name)}${marks}`;
      }
      case 'withdraw':
        return `withdraw ${effect.topic} ${effect.position}: ${this.#log(effect.log)} from ${effect.log.from}`;
      case 'acknowledge':
        return `acknowledge ${effect.ref}: ${this.#entry(effect.name)}`;
      case 'reject':
        return `reject ${effect.ref}: ${effect.code}`;
      case 'disconnect':
        return `disconnect ${this.#peer(effect.peer)}: ${effect.reason}`;
      case 'connect':
      case 'protect':
      case 'release':
        return `${effect.type} ${this.#peer(effect.peer)}`;
    }
  }

  #writeWords(write: StoreWrite): string {
    switch (write.type) {
      case 'entry':
        return `entry ${this.#stored(write.id)}`;
      case 'position':
        return `position ${write.position} ${this.#stored(write.id)}`;
      case 'withdrawal':
        return `position ${write.position} withdraws ${this.#log(write.log)} from ${write.log.from}`;
    }
  }

  #frameWords(frame: Uint8Array): string {
    const { message, payloads } = readFrame(frame);
    if (typeof message === 'string') return message;
    const carried = payloads.map((id) => this.#stored(id)).join(', ');
    return `${message.type} ${'topic' in message ? message.topic : ''} ${this.#messageWords(message, carried)}`;
  }

  #messageWords(message: GossipMessage, carried: string): string {
    switch (message.type) {
      case 'Announcement':
        return message.entry === undefined ? `lazy ${this.#entry(message.name)}` : `eager ${carried}`;
      case 'Announcements':
        return `eager ${carried} lazy ${message.names.map((name) => this.#entry(name)).join(', ')}`;
      case 'PullRequest': {
        const ranges = message.ranges.map((range) => `${this.#log(range)}-${range.from}-${range.to}`);
        const heads = message.heads === null ? [] : [`${message.heads.wants.length} heads`];
        const evidence = message.evidence.map((log) => `evidence of ${this.#log(log)}`);
        const names = message.missing.map((name) => this.#entry(name));
        return `#${message.requestId} ${[...names, ...ranges, ...heads, ...evidence].join(', ')}`;
      }
      case 'PullResponse':
        return `#${message.requestId} [${carried}]${message.more ? ' more' : ''}`;
      case 'AntiEntropy': {
        const summary = message.summary === null ? 'no summary' : this.#summaryWords(message.summary);
        return `#${message.roundId} ${message.answer ? 'answer' : 'question'} ${rootWords(message.root)} ${summary}`;
      }
      case 'Roots':
        return `#${message.roundId} ${message.answer ? 'answer' : 'question'} ${rootWords(message.root)} of ${message.topicCount}`;
      case 'ForwardJoin':
        return `${this.#peer(message.joiner)} ttl ${message.ttl}`;
      case 'NeighborAnswer':
        return message.accepted ? 'yes' : 'no';
      case 'Neighbor':
        return message.isUrgent ? 'urgent' : '';
      case 'Shuffle':
        return `${this.#peer(message.origin)} ttl ${message.ttl}: ${message.peers.map((peer) => this.#peer(peer)).join(' ')}`;
      case 'ShuffleReply':
        return message.peers.map((peer) => this.#peer(peer)).join(' ');
      case 'Equivocation':
        return `${message.entries.length} headers`;
      case 'Subscribe':
      case 'Unsubscribe':
        return message.topics.join(' ');
      default:
        return '';
    }
  }

  #summaryWords(summary: Summary): string {
    switch (summary.type) {
      case 'clock':
        return `clock {${summary.clock.map((component) => this.#entry(component)).join(', ')}}`;
      case 'filter':
        return `filter ${summary.slice.index}/${summary.slice.count} of ${summary.bytes.length} bytes`;
      case 'sketch':
        return `sketch from ${summary.first}, ${summary.symbols.length} bytes`;
      case 'sketch-request':
        return `wants ${summary.count} symbols from ${summary.first}`;
    }
  }

  #stored(id: EntryId): string {
    const known = this.world?.ledger.get(id);
    return known === undefined ? id.slice(0, 8) : this.#entry(known.name);
  }

  #entry(name: EntryName): string {
    const known = this.world?.ledger.get(name.id);
    const isForked = known !== undefined && this.world!.ledger.siblingsOf(known).length > 1;
    return `${this.#log(name)}/${name.seq}${isForked || known === undefined ? `~${name.id.slice(0, 4)}` : ''}`;
  }

  #log({ author, lane }: LogName): string {
    return `${this.#peer(author)}${lane === 0 ? '' : `.${lane}`}`;
  }

  #peer(did: Did): string {
    return this.world?.nodeOf(did)?.label ?? did.slice(9, 17);
  }
}

function rootWords(root: Uint8Array | null): string {
  if (root === null) return 'equal root';
  return `root ${Array.from(root.subarray(0, 3), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
