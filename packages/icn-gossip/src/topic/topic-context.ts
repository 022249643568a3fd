import type { KeyPair } from '@icn/identity';
import type { Peers } from '../link/peers.js';
import type { Rounds } from '../link/rounds.js';
import type { Counters } from '../bounds/counters.js';
import type { DropName } from '../drops.js';
import type { ProofVerifier } from '../entry/proof.js';
import type { GossipLimits } from '../limits.js';
import type { Outbox } from '../outbox.js';
import type { PeerQuota } from '../bounds/peer-quota.js';
import type { EvidenceServer } from '../pull/evidence-server.js';
import type { TokenBucket } from '../bounds/token-bucket.js';
import type { PullServer } from '../pull/pull-server.js';

/** How a node says what it holds: by its clock, a Bloom filter of ids, a sketch of its heads, or whichever fits the difference (`auto`). */
export type Reconcile = 'auto' | 'clock' | 'bloom' | 'sketch';

/** What a topic's protocol needs of the node around it. */
export interface TopicContext {
  readonly keyPair: KeyPair;
  readonly network: string;
  readonly limits: GossipLimits;
  readonly reconcile: Reconcile;
  readonly peers: Peers;
  readonly rounds: Rounds;
  readonly proofs: ProofVerifier;
  readonly random: (byteCount: number) => Uint8Array;
  readonly counters: Counters<DropName>;
  readonly outbox: Outbox;
  readonly server: PullServer;
  readonly evidence: EvidenceServer;
  /** Whether another live node was found to publish with this node's DID: then this one does not, in any topic. */
  readonly ownDid: { isElsewhere: boolean };
  /** What each peer makes this node want, over all topics. */
  readonly wantQuota: PeerQuota;
  /** Links that the overlays of all topics may ask for. */
  readonly connects: TokenBucket;
}
