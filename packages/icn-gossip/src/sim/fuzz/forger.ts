import { keyPairFromSeed, sha256, type KeyPair } from '@icn/identity';
import type { EntryParts } from '../../entry/entry.js';
import { encodeHeader, type Dep } from '../../entry/entry-header.js';
import {
  entryIdFromBytes,
  entryIdOf,
  type EntryId,
  type EntryName,
  type Lane,
} from '../../entry/entry-name.js';
import { proofsOf, type Proof } from '../../entry/proof.js';
import { PROTOCOL } from '../../limits.js';
import type { Topic } from '../../topic.js';
import { decodeCbor, encodeCbor, type Cbor } from '@icn/identity/cbor';
import type { GossipMessage } from '../../wire/messages.js';
import { depOf } from '../entry-ledger.js';
import type { SeededRandom } from '../seeded-random.js';

/** Authors that forge: enough to close some logs and leave others open. */
const AUTHORS = 6;
/** Entries of each topic that are gone on after, forked, depended on and sent again (guess). */
const KEPT = 48;

interface Made {
  readonly name: EntryName;
  readonly parts: EntryParts;
}

/**
 * Signs what no honest author would: forks, holes, seqs out of order, deps on what does not exist, unknown kinds,
 * later fields, payloads that are not those of the header. All with keys of its own, for it can forge no other's.
 */
export class Forger {
  readonly #random: SeededRandom;
  readonly #network: string;
  readonly #authors: readonly KeyPair[];
  readonly #made = new Map<Topic, Made[]>();

  constructor(random: SeededRandom, network: string) {
    this.#random = random;
    this.#network = network;
    this.#authors = Array.from({ length: AUTHORS }, (_, index) =>
      keyPairFromSeed(new Uint8Array(32).fill(100 + index)),
    );
  }

  /** Something well formed about entries that it signed. `requestId` may be one that is waited for. */
  message(topic: Topic, requestId: number, known: readonly EntryName[]): GossipMessage {
    const random = this.#random;
    const some = Array.from({ length: 1 + random.below(4) }, () => this.#entry(topic, known));
    const [first] = some;
    const parts = some.map((made) => made.parts);
    const names = some.map((made) => made.name);
    return random.pick<() => GossipMessage>([
      () => ({ type: 'Announcement', topic, name: random.pick(names), entry: first!.parts }),
      () => ({ type: 'Announcement', topic, name: first!.name, entry: first!.parts }),
      () => ({ type: 'Announcement', topic, name: first!.name, entry: undefined }),
      () => ({ type: 'Announcements', topic, entries: parts, names, isRepair: random.chance(0.5) }),
      () => ({ type: 'Announcements', topic, entries: [], names, isRepair: random.chance(0.5) }),
      () => ({ type: 'PullResponse', requestId, topic, entries: parts, more: random.chance(0.3) }),
      () => ({ type: 'Equivocation', topic, entries: this.#siblings(topic) }),
      () => this.#clock(topic, requestId, names),
    ])();
  }

  #clock(topic: Topic, roundId: number, names: readonly EntryName[]): GossipMessage {
    const random = this.#random;
    const clock = names.map(({ author, lane, seq, id }) => ({
      author,
      lane,
      floor: 0,
      seq: this.#seq(seq),
      id,
    }));
    const closed = names.map(({ author, lane, seq }) => ({ author, lane, from: seq }));
    return {
      type: 'AntiEntropy',
      topic,
      roundId,
      answer: random.chance(0.5),
      root: random.chance(0.7) ? random.bytes(32) : null,
      counts: { heads: random.below(2_000), held: random.below(1_000_000), parked: random.below(9) },
      closed: random.chance(0.3) ? closed : [],
      summary: { type: 'clock', clock, base: random.chance(0.2) ? random.bytes(8) : null },
    };
  }

  /** Headers that fork one place, as evidence. */
  #siblings(topic: Topic): EntryParts[] {
    const author = this.#random.pick(this.#authors);
    const prev = this.#madeOf(topic).find(({ name }) => name.author === author.did)?.name;
    const count = 1 + this.#random.below(PROTOCOL.witnessEntriesMax + 4);
    return Array.from({ length: count }, () => {
      const { parts } = this.#sign(topic, author, prev, nextSeq(prev), []);
      return this.#random.chance(0.9) ? { ...parts, payload: undefined } : parts;
    });
  }

  #entry(topic: Topic, known: readonly EntryName[]): Made {
    const random = this.#random;
    const kept = this.#madeOf(topic);
    if (kept.length > 0 && random.chance(0.2)) return this.#spoilt(random.pick(kept));
    const author = random.pick(this.#authors);
    const own = kept.filter(({ name }) => name.author === author.did);
    // Mostly the newest is gone on after, so that logs grow; at times an older one, which forks.
    const prev = random.chance(0.7) ? own.at(-1)?.name : own[random.below(KEPT)]?.name;
    const seq = random.chance(0.8) ? nextSeq(prev) : this.#seq(prev?.seq ?? 0);
    const made = this.#sign(
      topic,
      author,
      prev,
      seq,
      this.#deps([...kept.map(({ name }) => name), ...known]),
    );
    kept.push(made);
    if (kept.length > KEPT) kept.splice(random.below(kept.length), 1);
    return made;
  }

  #sign(topic: Topic, author: KeyPair, prev: EntryName | undefined, seq: number, deps: readonly Dep[]): Made {
    const random = this.#random;
    const payload = random.bytes(random.pick([0, 1, 30, 300]));
    const lane: Lane = random.chance(0.9) ? 0 : 1;
    const isFirst = seq === 1;
    const prevId = random.chance(0.1) ? entryIdFromBytes(random.bytes(32)) : (prev?.id ?? null);
    let header = encodeHeader({
      network: random.chance(0.98) ? this.#network : 'other',
      topic,
      lane,
      kind: random.chance(0.9) ? 0 : random.below(300),
      author: author.did,
      seq,
      prev: isFirst && random.chance(0.9) ? null : prevId,
      deps,
      timestampMs: random.pick([0, 1, 1_000_000, Number.MAX_SAFE_INTEGER]),
      payloadLength: payload.length,
      payloadHash: sha256(payload),
    });
    if (random.chance(0.05)) header = encodeCbor([...(decodeCbor(header) as Cbor[]), random.bytes(9), [1]]);
    const id = entryIdOf(header);
    return {
      name: { author: author.did, lane, seq, id },
      parts: { header, payload, proof: this.#prove(author, id) },
    };
  }

  /** Sent again: as it was, or with a part of it that is not its own. */
  #spoilt(made: Made): Made {
    const random = this.#random;
    const { name, parts } = made;
    return random.pick<() => Made>([
      () => made,
      () => ({ name, parts: { ...parts, payload: undefined } }),
      () => ({ name, parts: { ...parts, payload: random.bytes(5) } }),
      () => ({ name, parts: { ...parts, proof: { type: 'signature', signature: random.bytes(64) } } }),
      () => ({ name, parts: { ...parts, proof: this.#spoiltProof(parts.proof) } }),
      () => ({ name: { ...name, id: entryIdFromBytes(random.bytes(32)) }, parts }),
      () => ({ name: { ...name, seq: this.#seq(name.seq) }, parts }),
    ])();
  }

  /** A signature of its own, or one of a batch, together with ids that nobody ever sees. */
  #prove(author: KeyPair, id: EntryId): Proof {
    const random = this.#random;
    const others = Array.from({ length: random.pick([0, 0, 1, 2, 4]) }, () =>
      entryIdFromBytes(random.bytes(32)),
    );
    const index = random.below(others.length + 1);
    return proofsOf(author, others.toSpliced(index, 0, id))[index]!;
  }

  /** The other form with the same signature, or the same with one thing changed. */
  #spoiltProof({ signature, ...rest }: Proof): Proof {
    const random = this.#random;
    if (rest.type === 'signature')
      return { type: 'batch', signature, index: random.below(4), path: random.bytes(32 * random.below(12)) };
    return random.pick<Proof>([
      { type: 'signature', signature },
      { ...rest, signature: random.bytes(64) },
      { ...rest, signature, index: rest.index + 2 ** random.below(12) },
      { ...rest, signature, path: rest.path.subarray(random.below(33)) },
    ]);
  }

  #deps(names: readonly EntryName[]): readonly Dep[] {
    const random = this.#random;
    const deps = random.sample(names, random.pick([0, 0, 1, 2, 5, PROTOCOL.depsMax])).map(depOf);
    return deps.map((dep) => (random.chance(0.1) ? { ...dep, seq: this.#seq(dep.seq) } : dep));
  }

  #seq(seq: number): number {
    const { MAX_SAFE_INTEGER } = Number;
    const drawn = this.#random.pick([
      seq + 1,
      seq + 2,
      seq + 100,
      1,
      2,
      MAX_SAFE_INTEGER,
      MAX_SAFE_INTEGER - 1,
    ]);
    return Math.min(drawn, MAX_SAFE_INTEGER);
  }

  #madeOf(topic: Topic): Made[] {
    const made = this.#made.get(topic) ?? [];
    this.#made.set(topic, made);
    return made;
  }
}

/** There is nothing after the largest seq. */
function nextSeq(prev: EntryName | undefined): number {
  return Math.min((prev?.seq ?? 0) + 1, Number.MAX_SAFE_INTEGER);
}
