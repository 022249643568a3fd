import type { Did } from '@icn/identity';
import type { EntryId, EntryName } from '../entry/entry-name.js';
import type { StoreWrite } from '../entry/entry-store.js';
import type { GossipEffect, GossipEvent } from '../events.js';
import type { GossipMessage, LogName, Summary } from '../wire/messages.js';
import { readFrame } from './frames.js';
import type { World } from './world.js';

/** Puts events and effects into words: nodes by number, entries as author/seq. */
export class TraceWords {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** What a machine was told. */
  event(event: GossipEvent): string {
    switch (event.type) {
      case 'received':
        return `${this.peer(event.from)} ${this.frame(event.frame)}`;
      case 'peer-up':
      case 'peer-down':
      case 'unreachable':
        return `${event.type} ${this.peer(event.peer)}`;
      case 'restored':
        return `restored ${event.topic}: ${event.entries.length} headers`;
      case 'joined':
      case 'left':
        return `${event.type} ${event.topic}`;
      case 'submitted':
        return `submitted ${event.ref} ${event.topic}: ${event.payloads.map(({ length }) => length).join(' + ')} bytes`;
      case 'persisted':
        return `persisted #${event.write}`;
      case 'loaded':
        return `loaded #${event.load}: ${event.entries.length}`;
      case 'woke':
      case 'twin-met':
        return event.type;
    }
  }

  /** What a machine ordered. */
  effect(effect: GossipEffect): string {
    switch (effect.type) {
      case 'send':
        return `${effect.to.map((peer) => this.peer(peer)).join(' ')} ${this.frame(effect.frame)}`;
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
        return `acknowledge ${effect.ref}: ${effect.names.map((name) => this.#entry(name)).join(', ')}`;
      case 'reject':
        return `reject ${effect.ref}: ${effect.code}`;
      case 'disconnect':
        return `disconnect ${this.peer(effect.peer)}: ${effect.reason}`;
      case 'connect':
      case 'protect':
      case 'release':
        return `${effect.type} ${this.peer(effect.peer)}`;
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

  /** What a frame says. */
  frame(frame: Uint8Array): string {
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
      case 'TopicRoots':
        return message.topics.join(' ');
      case 'ForwardJoin':
        return `${this.peer(message.joiner)} ttl ${message.ttl}`;
      case 'NeighborAnswer':
        return message.accepted ? 'yes' : 'no';
      case 'Neighbor':
        return message.isUrgent ? 'urgent' : '';
      case 'Shuffle':
        return `${this.peer(message.origin)} ttl ${message.ttl}: ${message.peers.map((peer) => this.peer(peer)).join(' ')}`;
      case 'ShuffleReply':
        return message.peers.map((peer) => this.peer(peer)).join(' ');
      case 'Equivocation':
        return `${message.entries.length} headers`;
      case 'Subscribe':
      case 'Unsubscribe':
        return message.topics.join(' ');
      case 'Hello':
      case 'Graft':
      case 'Prune':
      case 'Join':
      case 'Disconnect':
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
      case 'clock-request':
        return 'wants a whole clock';
    }
  }

  #stored(id: EntryId): string {
    const known = this.#world.ledger.get(id);
    return known === undefined ? id.slice(0, 8) : this.#entry(known.name);
  }

  #entry(name: EntryName): string {
    const known = this.#world.ledger.get(name.id);
    const isForked = known !== undefined && this.#world.ledger.siblingsOf(known).length > 1;
    return `${this.#log(name)}/${name.seq}${isForked || known === undefined ? `~${name.id.slice(0, 4)}` : ''}`;
  }

  #log({ author, lane }: LogName): string {
    return `${this.peer(author)}${lane === 0 ? '' : `.${lane}`}`;
  }

  /** The number of a node; of a stranger, the first characters of the key. */
  peer(did: Did): string {
    return this.#world.nodeOf(did)?.label ?? did.slice(9, 17);
  }
}

function rootWords(root: Uint8Array | null): string {
  if (root === null) return 'equal root';
  return `root ${Array.from(root.subarray(0, 3), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
