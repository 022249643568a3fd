export { type Reconcile } from './topic/topic-context.js';
export { Counters } from './bounds/counters.js';
export { type DropName } from './drops.js';
export { BloomFilter } from './repair/bloom-filter.js';
export {
  decodeEntry,
  decodeParts,
  encodeParts,
  entryByteCount,
  verifyEntry,
  type EntryFault,
  type EntryParts,
  type VerifiedEntry,
} from './entry/entry.js';
export { type Proof } from './entry/proof.js';
export { decodeHeader, type Dep, type EntryHeader } from './entry/entry-header.js';
export { entryIdOf, type EntryId, type EntryName, type Lane } from './entry/entry-name.js';
export {
  type EntryStore,
  type PositionedItem,
  type StoredHeader,
  type StoredWithdrawal,
  type StoreWrite,
} from './entry/entry-store.js';
export { GossipError, type GossipErrorCode } from './errors.js';
export { type GossipEffect, type GossipEvent } from './events.js';
export { Gossip, type AccessControl, type GossipOptions, type TopicStatus } from './gossip.js';
export { HaveSet } from './topic/have-set.js';
export { DEFAULT_LIMITS, PROTOCOL, type GossipLimits } from './limits.js';
export { type Machine } from './machine.js';
export { decodeMessage, encodeMessage, type MessageFault } from './wire/message-codec.js';
export { isTopic, parseTopic, type Topic } from './topic.js';
export type * from './wire/messages.js';
export { boundBytes, type SessionBill } from './repair/session-bill.js';
export { VectorClock, type ClockOrder } from './topic/vector-clock.js';
