import type { KeyPair } from '@icn/identity';
import type { Counters } from '../bounds/counters.js';
import type { DropName } from '../drops.js';
import type { GossipLimits } from '../limits.js';
import type { Outbox } from '../outbox.js';
import type { PeerQuota } from '../bounds/peer-quota.js';
import type { PullServer } from '../pull/pull-server.js';

/** How a node says what it holds: by its clock, by a Bloom filter of ids, or by whichever takes fewer bytes (`auto`). */
export type Reconcile = 'auto' | 'clock' | 'bloom';

/** What a topic's protocol needs of the node around it. */
export interface TopicContext {
  readonly keyPair: KeyPair;
  readonly network: string;
  readonly limits: GossipLimits;
  readonly reconcile: Reconcile;
  /** 8 bytes, drawn at this node's start. */
  readonly epoch: Uint8Array;
  readonly random: (byteCount: number) => Uint8Array;
  readonly counters: Counters<DropName>;
  readonly outbox: Outbox;
  readonly server: PullServer;
  /** What each peer makes this node want, over all topics. */
  readonly wantQuota: PeerQuota;
}
