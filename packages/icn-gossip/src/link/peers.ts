import { sha256, type Did } from '@icn/identity';
import { PROTOCOL } from '../limits.js';
import type { Outbox } from '../outbox.js';
import type { Topic } from '../topic.js';
import { asciiZ } from '../wire/ascii.js';
import type { Hello } from '../wire/messages.js';
import { u64FromBytes } from '../wire/u64.js';

/** What this version understands beyond the baseline. */
export const EXTENSIONS = ['topics', 'sketch', 'push-tree', 'evidence'] as const;
export type Extension = (typeof EXTENSIONS)[number];

/** A peer whose link is up. */
export interface Peer {
  readonly did: Did;
  /** Ours for this link. */
  readonly nonce: Uint8Array;
  hello: Hello | undefined;
  /** What it understands, by its Hello. */
  extensions: ReadonlySet<string>;
  /** Whether it ever said what it follows. */
  hasSubscribed: boolean;
  /** How often it was asked what it follows, and did not say. */
  repliesDue: number;
  /** What both sides follow, as far as it said so. */
  readonly topics: Set<Topic>;
  /** Those of them that it did not name when it last said what it follows. */
  unnamed: readonly Topic[];
}

export interface PeersOptions {
  readonly self: Did;
  readonly network: string;
  readonly random: (byteCount: number) => Uint8Array;
  readonly outbox: Outbox;
}

const KEY_TAG = asciiZ('icn/link-key');

/** The peers that are up, and what was said on meeting them. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #peers = new Map<Did, Peer>();

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  get(did: Did): Peer | undefined {
    return this.#peers.get(did);
  }

  [Symbol.iterator](): IterableIterator<Peer> {
    return this.#peers.values();
  }

  get size(): number {
    return this.#peers.size;
  }

  /** Undefined where it is up already. */
  up(did: Did): Peer | undefined {
    if (this.#peers.has(did)) return undefined;
    const nonce = this.#options.random(8);
    const peer: Peer = {
      did,
      nonce,
      hello: undefined,
      extensions: new Set(),
      hasSubscribed: false,
      repliesDue: 0,
      topics: new Set(),
      unnamed: [],
    };
    this.#peers.set(did, peer);
    this.greet(peer);
    return peer;
  }

  down(did: Did): Peer | undefined {
    const peer = this.#peers.get(did);
    this.#peers.delete(did);
    return peer;
  }

  greet({ did, nonce, hello }: Peer): void {
    const { network, outbox } = this.#options;
    const heard = hello !== undefined;
    const { version } = PROTOCOL;
    outbox.send([did], { type: 'Hello', version, network, extensions: EXTENSIONS, nonce, heard });
  }

  /** Takes in a Hello of this network. Who has not heard ours is told it again. */
  greeted(peer: Peer, hello: Hello): void {
    const isAgain = peer.hello !== undefined;
    peer.hello = hello;
    peer.extensions = new Set(hello.extensions);
    if (isAgain && !hello.heard) this.greet(peer);
  }

  /** Whether a peer understands an extension, as far as it said so. */
  speaks(did: Did, extension: Extension): boolean {
    return this.#peers.get(did)?.extensions.has(extension) ?? false;
  }

  /** `linkKeyOf` both ends; undefined until the peer said Hello. */
  linkKey(did: Did): bigint | undefined {
    const peer = this.#peers.get(did);
    if (peer?.hello === undefined) return undefined;
    return linkKeyOf({ did: this.#options.self, nonce: peer.nonce }, { did, nonce: peer.hello.nonce });
  }
}

interface LinkEnd {
  readonly did: Did;
  readonly nonce: Uint8Array;
}

/**
 * What both ends of a link know and no author of entries can foresee: the first 8 bytes of
 * SHA-256(tag ‖ nonce of the smaller DID ‖ nonce of the larger).
 */
export function linkKeyOf(a: LinkEnd, b: LinkEnd): bigint {
  const [smaller, larger] = a.did < b.did ? [a, b] : [b, a];
  return u64FromBytes(sha256(KEY_TAG, smaller.nonce, larger.nonce).subarray(0, 8));
}
