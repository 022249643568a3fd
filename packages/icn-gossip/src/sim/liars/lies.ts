import { didFromPublicKey, type Did } from '@icn/identity';
import { entryIdFromBytes, type EntryName } from '../../entry/entry-name.js';
import type { Topic } from '../../topic.js';
import { encodeMessage } from '../../wire/message-codec.js';
import type { AntiEntropy, ClockComponent, GossipMessage, PullRequest } from '../../wire/messages.js';
import { keyPairFromSeed } from '@icn/identity';
import type { SeededRandom } from '../seeded-random.js';
import type { Lie, LiarContext, Speech } from './liar.js';

/** Claims heads that do not exist, far above those that do, of known authors and of strangers. */
export function forgedClocks(): Lie {
  return {
    says(message, _to, { random }) {
      if (message.type !== 'AntiEntropy' || message.summary?.type !== 'clock') return [message];
      const clock = message.summary.clock.map((component) => forgedComponent(component, random));
      clock.push({
        author: strangers(random),
        lane: 0,
        floor: 0,
        seq: 1 + random.below(1_000),
        id: anyId(random),
      });
      return [{ ...message, root: random.bytes(32), summary: { ...message.summary, clock } }];
    },
  };
}

function forgedComponent(component: ClockComponent, random: SeededRandom): ClockComponent {
  const seq = random.pick([component.seq, component.seq + 1, component.seq + 1_000, Number.MAX_SAFE_INTEGER]);
  const floor = random.pick([0, 0, Math.max(0, component.seq - 1), seq - 1]);
  return { ...component, seq, floor, id: random.chance(0.5) ? anyId(random) : component.id };
}

/** Says a root that nobody has, or repeats what the other side said as its own: "in sync", where nothing is. */
export function forgedRoots(): Lie {
  const heard = new Map<string, Uint8Array>();
  return {
    hears(message, from) {
      if (message.type === 'AntiEntropy' && message.root !== null)
        heard.set(`${from} ${message.topic}`, message.root);
      if (message.type === 'Roots' && message.root !== null) heard.set(from, message.root);
    },
    says(message, to, { random }) {
      if (message.type !== 'AntiEntropy' && message.type !== 'Roots') return [message];
      const key = message.type === 'Roots' ? to : `${to} ${message.topic}`;
      const echo = heard.get(key) ?? random.bytes(32);
      const root = random.pick([echo, random.bytes(32), message.answer ? null : echo]);
      return [message.type === 'AntiEntropy' ? { ...message, root, summary: null } : { ...message, root }];
    },
  };
}

/** Announces what it has, and answers pulls with nothing, with garbage, or never. */
export function withheldEntries(): Lie {
  return {
    says(message, _to, { random }) {
      if (message.type === 'Announcement') return [{ ...message, entry: undefined }];
      if (message.type !== 'PullResponse') return [message];
      const garbled = message.entries.map((parts) => {
        return parts && { ...parts, payload: random.bytes(1 + (parts.payload?.length ?? 0)) };
      });
      return random.pick<readonly GossipMessage[]>([
        [],
        [{ ...message, entries: [], more: random.chance(0.5) }],
        [{ ...message, entries: garbled }],
        [{ ...message, entries: message.entries.slice(1), more: false }],
      ]);
    },
  };
}

/** Sends what is no message: noise, and messages of which a few bytes are turned. */
export function garbageFrames(everyMs = 700): Lie {
  let lastFrame = new Uint8Array([0x80]);
  return {
    says(message) {
      lastFrame = encodeMessage(message).slice();
      return [message];
    },
    everyMs,
    does({ random, peers }) {
      const turned = lastFrame.slice();
      for (let count = 0; count < 3; count++) turned[random.below(turned.length)] = random.below(256);
      return [
        {
          to: random.sample(peers, 2),
          message: random.chance(0.5) ? random.bytes(random.below(200)) : turned,
        },
      ];
    },
  };
}

/** Asks, announces and questions without end, about what does not exist; so many messages a second to each of a few peers. */
export function floods(topics: readonly Topic[], perSecond = 6): Lie {
  return {
    everyMs: 1_000,
    does(context) {
      const { random, peers } = context;
      const to = random.sample(peers, 2);
      return Array.from({ length: perSecond }, (): Speech => ({
        to,
        message: floodMessage(topics, context),
      }));
    },
  };
}

function floodMessage(topics: readonly Topic[], { random }: LiarContext): GossipMessage {
  const topic = random.pick(topics);
  const name: EntryName = {
    author: strangers(random),
    lane: 0,
    seq: 1 + random.below(100),
    id: anyId(random),
  };
  const pull: PullRequest = {
    type: 'PullRequest',
    requestId: random.below(1_000),
    topic,
    missing: [name],
    ranges: [{ author: name.author, lane: 0, from: 1, to: 1_000_000 }],
    bytesMax: 1_000_000,
    heads: null,
    evidence: [],
  };
  const question: AntiEntropy = {
    type: 'AntiEntropy',
    topic,
    roundId: random.below(0x1_0000),
    answer: random.chance(0.5),
    root: random.bytes(32),
    counts: { heads: random.below(1_000_000), held: random.below(1_000_000), parked: 0 },
    closed: [],
    summary: { type: 'filter', salt: 1n, slice: { index: 0, count: 1 }, bytes: new Uint8Array(8) },
  };
  return random.pick<GossipMessage>([
    { type: 'Announcement', topic, name, entry: undefined },
    pull,
    question,
  ]);
}

/** A few DIDs that no node has. */
function strangers(random: SeededRandom): Did {
  return random.pick((strangerDids ??= Array.from({ length: 8 }, (_, index) => strangerDid(index))));
}

let strangerDids: readonly Did[] | undefined;

function strangerDid(index: number): Did {
  return didFromPublicKey(keyPairFromSeed(new Uint8Array(32).fill(200 + index)).publicKey);
}

function anyId(random: SeededRandom): EntryName['id'] {
  return entryIdFromBytes(random.bytes(32));
}
