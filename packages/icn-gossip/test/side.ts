import type { Did } from '@icn/identity';
import { toHex } from '@icn/identity';
import type { EntryParts, VerifiedEntry } from '../src/entry/entry.js';
import type { EntryId } from '../src/entry/entry-name.js';
import type { GossipEvent } from '../src/events.js';
import type { Gossip, GossipOptions } from '../src/gossip.js';
import { encodedByteCount } from '../src/entry/entry.js';
import type { Topic } from '../src/topic.js';
import { decodeMessage, encodeMessage } from '../src/wire/message-codec.js';
import type { GossipMessage } from '../src/wire/messages.js';
import { did, gossipOf, TOPIC } from './fixtures.js';

export interface SideOptions extends Partial<Omit<GossipOptions, 'keyPair' | 'network'>> {
  readonly index: number;
  readonly topics?: readonly Topic[];
  readonly entries?: readonly VerifiedEntry[];
}

const STRANGER = did(4_000);

/** A machine with a disk that is instant: one side of a conversation. */
export class Side {
  readonly index: number;
  readonly gossip: Gossip;
  nowMs = 1_700_000_000_000;
  readonly #disk = new Map<EntryId, EntryParts>();

  constructor({ index, topics = [TOPIC], entries = [], ...options }: SideOptions) {
    this.index = index;
    this.gossip = gossipOf(index, options);
    for (const { name, parts } of entries) this.#disk.set(name.id, parts);
    const headers = entries.map(({ parts }) => ({ header: parts.header, position: undefined }));
    if (entries.length > 0) this.tell({ type: 'restored', topic: topics[0]!, entries: headers });
    for (const topic of topics) this.join(topic);
  }

  get did(): Did {
    return did(this.index);
  }

  root(topic = TOPIC): string {
    return toHex(this.gossip.status().find((status) => status.topic === topic)!.root);
  }

  follows(topic: Topic): boolean {
    return this.gossip.status().some((status) => status.topic === topic);
  }

  join(topic: Topic): Uint8Array[] {
    return this.tell({ type: 'joined', topic, access: { type: 'Public' } });
  }

  leave(topic: Topic): Uint8Array[] {
    return this.tell({ type: 'left', topic });
  }

  /** Takes entries from somewhere else; what it says of them is lost. */
  hold(...entries: readonly VerifiedEntry[]): void {
    this.tell({ type: 'peer-up', peer: STRANGER });
    for (const { name, parts, header } of entries) {
      const frame = encodeMessage({ type: 'Announcement', topic: header.topic, name, entry: parts });
      this.tell({ type: 'received', from: STRANGER, frame });
    }
    this.tell({ type: 'peer-down', peer: STRANGER });
  }

  /** Returns the frames that come of an event. */
  tell(event: GossipEvent): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (const effect of this.gossip.handle(event, this.nowMs)) {
      if (effect.type === 'send' && effect.to.some((peer) => peer !== STRANGER)) frames.push(effect.frame);
      if (effect.type === 'persist') {
        for (const write of effect.writes) if (write.type === 'entry') this.#disk.set(write.id, write.parts);
        frames.push(...this.tell({ type: 'persisted', write: effect.write }));
      }
      if (effect.type === 'load') {
        const entries = effect.ids.map((id) => this.#disk.get(id));
        frames.push(...this.tell({ type: 'loaded', load: effect.load, entries }));
      }
    }
    return frames;
  }
}

/** A frame that passed: who said it, and in which half of which round trip. */
export interface Said {
  readonly from: Side;
  readonly frame: Uint8Array;
  readonly message: GossipMessage;
  readonly halfTrip: number;
}

export interface Exchange {
  /** Says the first word; without it the two meet. */
  readonly from?: Side;
  readonly frames?: readonly Uint8Array[];
  readonly isLost?: (message: GossipMessage, from: Side) => boolean;
  /** What becomes of a message on the way. */
  readonly changed?: (message: GossipMessage) => GossipMessage;
  /** How often it arrives. */
  readonly copies?: (message: GossipMessage) => number;
}

/** Lets two sides exchange frames, all that are under way at once, until neither says anything. Returns what passed. */
export function exchange(a: Side, b: Side, { from, frames = [], ...wire }: Exchange = {}): Said[] {
  const { isLost = () => false, changed = (message) => message, copies = () => 1 } = wire;
  const said: Said[] = [];
  let flying = from === undefined ? meeting(a, b) : [{ from, frames }];
  for (let halfTrip = 0; flying.some((flight) => flight.frames.length > 0); halfTrip++) {
    if (halfTrip > 1_000) throw new Error('they do not fall silent');
    flying = flying.map((flight) => {
      const to = flight.from === a ? b : a;
      const heard = flight.frames.flatMap((original) => {
        const decoded = decodeMessage(original);
        if (typeof decoded === 'string') throw new Error(`a side sent a frame that is ${decoded}`);
        if (isLost(decoded, flight.from)) return [];
        const message = changed(decoded);
        const frame = message === decoded ? original : encodeMessage(message);
        said.push({ from: flight.from, frame, message, halfTrip });
        return Array.from({ length: copies(decoded) }, () =>
          to.tell({ type: 'received', from: flight.from.did, frame }),
        ).flat();
      });
      return { from: to, frames: heard };
    });
  }
  return said;
}

function meeting(a: Side, b: Side): { from: Side; frames: readonly Uint8Array[] }[] {
  return [
    { from: a, frames: a.tell({ type: 'peer-up', peer: b.did }) },
    { from: b, frames: b.tell({ type: 'peer-up', peer: a.did }) },
  ];
}

/** Lets a side begin its next round, and both exchange what comes of it. */
export function round(asker: Side, other: Side, fields: Exchange = {}): Said[] {
  asker.nowMs = other.nowMs = Math.max(asker.nowMs, other.nowMs) + 6_000;
  other.tell({ type: 'peer-down', peer: STRANGER });
  return exchange(asker, other, { ...fields, from: asker, frames: asker.tell({ type: 'woke' }) });
}

/** Greetings, and what neighbours say of the overlay, belong to no reconciliation. */
const REPAIR: ReadonlySet<GossipMessage['type']> = new Set<GossipMessage['type']>([
  'Roots',
  'AntiEntropy',
  'Announcement',
  'Announcements',
  'PullRequest',
  'PullResponse',
]);

/** What reconciling cost: bytes without those of the entries, and of the meeting. */
export function costOf(said: readonly Said[]): {
  readonly bytes: number;
  readonly moved: readonly EntryParts[];
  readonly trips: number;
  /** Round trips before the first pull is asked for. */
  readonly tripsToKnow: number;
} {
  const repair = said.filter(({ message }) => REPAIR.has(message.type));
  const first = repair[0]?.halfTrip ?? 0;
  const moved = repair.flatMap(({ message }) => {
    return message.type === 'PullResponse' ? message.entries.filter((parts) => parts !== undefined) : [];
  });
  const bytes = repair.reduce((sum, { frame }) => sum + frame.length, 0) - encodedByteCount(moved);
  const answers = repair.filter(({ message }) => message.type === 'PullResponse');
  const pull = repair.find(({ message }) => message.type === 'PullRequest');
  const trips = answers.length === 0 ? 1 : (answers.at(-1)!.halfTrip + 1 - first) / 2;
  return { bytes, moved, trips, tripsToKnow: pull === undefined ? 1 : (pull.halfTrip - first) / 2 };
}
