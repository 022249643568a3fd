import { encodeMessage, parseTopic, type GossipEffect, type GossipEvent } from '@icn/gossip';
import {
  createEntry,
  type HostedMachine,
  type MachineFactory,
  type SimNode,
  type World,
} from '@icn/gossip/sim';
import type { Entry, Message } from './contract.js';
import { toWire, type KnownEntries } from './wire-form.js';

/** A node that says what it is told to say, true or not. It speaks over real links and can forge nobody's signature. */
export class Stranger {
  readonly factory: MachineFactory;
  readonly #known: KnownEntries = new Map();
  #effects: GossipEffect[] = [];
  #speaker: SimNode | undefined;

  constructor() {
    const machine: HostedMachine = {
      wakeAtMs: undefined,
      handle: (event: GossipEvent) => (event.type === 'woke' ? this.#effects.splice(0) : []),
    };
    this.factory = () => machine;
  }

  /** From now on what it says comes from that node: a member that passes on what it should not. */
  becomes(speaker: SimNode | undefined): void {
    this.#speaker = speaker;
  }

  say(world: World, node: SimNode, to: readonly SimNode[], message: Message): void {
    const frame = encodeMessage(toWire(message, this.#known, 1));
    if (this.#speaker !== undefined) {
      for (const peer of to) world.tell(peer, { type: 'received', from: this.#speaker.did, frame });
      return;
    }
    this.#effects.push({ type: 'send', to: to.map(({ did }) => did), frame, priority: 'control' });
    world.tell(node, { type: 'woke' });
  }

  /** Signs an entry of the node's own, which nobody has to take. */
  publish(world: World, { keyPair }: SimNode, topic: string, text: string): Entry {
    const fields = {
      network: world.network,
      topic: parseTopic(topic),
      lane: 0 as const,
      seq: 1,
      prev: null,
      deps: [],
      timestampMs: 0,
    };
    const { name, header, parts } = createEntry(keyPair, fields, new TextEncoder().encode(text));
    const entry: Entry = { author: name.author, seq: name.seq, id: name.id, topic, text };
    this.#known.set(name.id, { entry, name, header, parts });
    return entry;
  }
}
