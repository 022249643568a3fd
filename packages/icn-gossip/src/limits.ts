/**
 * Constants of protocol version 1: part of what is valid, so equal on every node. A payload or header above
 * its limit fails at publish and is refused by everybody alike.
 */
export const PROTOCOL = {
  version: 1,
  /** Application bytes of one entry. 64 KiB: a message, not a file; four fit one pull response (guess). */
  payloadBytesMax: 65_536,
  /** A header with 32 deps is about 1.7 KiB; the rest is room for fields that later versions append. */
  headerBytesMax: 4_096,
  /** Entries that one entry may name as its causal frontier. */
  depsMax: 32,
  /** Bytes of an entry's id that a dep carries. */
  depIdBytes: 8,
  /** Extra branches, proven by headers, with which a data log is closed (guess: an accident forks once or twice). */
  extraBranchesMax: 8,
  /** Headers that prove a closing: each place of a fork proves at least one extra branch and takes one header more. */
  witnessEntriesMax: 16,
  /** Links of a way that is counted: a tree of a million nodes is less deep. What counts more says nothing. */
  hopsMax: 64,
  /** One message. Holds a pull response of `responseBytesMax` and one more entry of the largest size. */
  frameBytesMax: 1_048_576,
} as const;

/** Bounds and waits of one node; each may be set, none is infinite. Nodes may differ in them. */
export interface GossipLimits {
  /** Topics followed at once. */
  readonly topicsMax: number;
  /** Entries held in one topic; above it publishing fails with `topic-full` and others' entries are dropped (`topic-full`). */
  readonly entriesPerTopicMax: number;
  /** Logs (author and lane) in one topic. */
  readonly logsPerTopicMax: number;
  /** Entries of one log that wait above a hole. Where there are more, those nearest to the hole stay. */
  readonly parkedPerLogMax: number;
  /** How long the first publish waits for what connected peers hold of the own log; 0 asks nobody. */
  readonly ownHeadWaitMs: number;
  /** Entries to be made in one topic that wait so (`submissions-full`); each is up to `PROTOCOL.payloadBytesMax`. */
  readonly submissionsWaitingMax: number;
  /** Entries of one submission: made, held in memory and written at once. */
  readonly submissionEntriesMax: number;
  /** How long an entry waits for causal parents that do not come, before it is delivered all the same. */
  readonly causalWaitMs: number;
  /** Mean time between two anti-entropy rounds of a topic; each is drawn within ± 20 %. */
  readonly antiEntropyIntervalMs: number;
  /** Silence after which a pull is asked of another peer. */
  readonly pullTimeoutMs: number;
  /** Ids and ranges in one pull request. */
  readonly wantsPerRequestMax: number;
  /** Entries and logs, over all topics, that one peer can make this node want (`wants-full`). */
  readonly wantsPerPeerMax: number;
  /** Bytes of entries in one pull response (at least one entry is sent, whatever its size). */
  readonly responseBytesMax: number;
  /** Entries looked up for one pull response. */
  readonly responseEntriesMax: number;
  /** Pull requests of one peer that wait for the disk; more are dropped (`pull-overload`). */
  readonly servesPerPeerMax: number;
  /** Of one peer, anti-entropy messages in one topic that are looked at in a row, and likewise messages of all roots and meetings; more wait for their refill (`rounds-overload`). */
  readonly roundsBurstMax: number;
  /** How many more of them each second; comparing a filter costs one for each `idsPerFilterMax` ids. */
  readonly roundsPerSecond: number;
  /** Bytes of messages that wait until what they speak of is on disk (`outbox-full`). */
  readonly heldBytesMax: number;
  /** Ids in one Bloom filter; a larger topic is covered by slices of the id space that rotate. */
  readonly idsPerFilterMax: number;
  /** Entries announced to a peer for one Bloom filter of theirs. */
  readonly announcementsPerRoundMax: number;
  /** While no more followers of a topic are connected than this, all of them are pushed to eagerly, but those that said Prune. */
  readonly allEagerPeersMax: number;
  /** How long names are gathered before they are announced lazily. */
  readonly lazyBatchMs: number;
  /** How long entries are gathered before they are pushed eagerly, several in a frame; 0: each goes at once. */
  readonly pushBatchMs: number;
  /** How long an entry announced lazily is waited for before the link to its announcer is grafted. */
  readonly graftTimeoutMs: number;
  /** How long after a duplicate the link it came by is pruned: above the time in which an entry reaches everybody. */
  readonly pruneDelayMs: number;
  /** Of the entries that come within this time only one prunes links. Above `pruneDelayMs`. */
  readonly guideMs: number;
  /** For so long after a Prune or Graft was sent, what crosses it on the way changes nothing. */
  readonly linkSettleMs: number;
  /** Neighbours in a topic below which more are sought. */
  readonly activeViewMin: number;
  /** Neighbours in a topic above which no more are taken. */
  readonly activeViewMax: number;
  /** Peers that are not connected and may follow a topic, kept to replace neighbours. */
  readonly passiveViewMax: number;
  /** Mean time between two shuffles in a topic, each drawn within ± 20 %; up to 16 times that while they bring nothing new. */
  readonly shuffleIntervalMs: number;
  /** How long the answer of a peer that was asked to be a neighbour is waited for (`neighbor-timeout`). */
  readonly neighborTimeoutMs: number;
  /** How long a link that was asked for is waited for. */
  readonly connectTimeoutMs: number;
  /** How long a peer that refused, was silent or could not be reached is left alone; doubled with each failure, up to 32 times. */
  readonly neighborRetryMs: number;
  /** Messages of one peer about a topic's overlay that are looked at in a row; more wait for their refill (`overlay-overload`). */
  readonly overlayBurstMax: number;
  readonly overlayPerSecond: number;
  /** Links asked for in a row, over all topics; more wait for their refill. */
  readonly connectsBurstMax: number;
  readonly connectsPerSecond: number;
}

/**
 * Defaults. The rounds' interval is that of the course's original, `allEagerPeersMax` is the course's rule; the passive
 * view is that of the HyParView paper (§5.1). Where no source is named, the number is a guess.
 */
export const DEFAULT_LIMITS: GossipLimits = {
  topicsMax: 1_024,
  entriesPerTopicMax: 1_000_000,
  logsPerTopicMax: 100_000,
  parkedPerLogMax: 1_024,
  ownHeadWaitMs: 2_000,
  submissionsWaitingMax: 1_024,
  submissionEntriesMax: 1_024,
  causalWaitMs: 30_000,
  antiEntropyIntervalMs: 5_000,
  pullTimeoutMs: 5_000,
  wantsPerRequestMax: 512,
  wantsPerPeerMax: 8_192,
  responseBytesMax: 262_144,
  responseEntriesMax: 1_024,
  servesPerPeerMax: 64,
  roundsBurstMax: 16,
  roundsPerSecond: 4,
  heldBytesMax: 16_777_216,
  idsPerFilterMax: 65_536,
  announcementsPerRoundMax: 1_024,
  allEagerPeersMax: 5,
  lazyBatchMs: 500,
  pushBatchMs: 0,
  graftTimeoutMs: 1_000,
  pruneDelayMs: 1_000,
  guideMs: 3_000,
  linkSettleMs: 1_000,
  activeViewMin: 6,
  activeViewMax: 10,
  passiveViewMax: 30,
  shuffleIntervalMs: 30_000,
  neighborTimeoutMs: 5_000,
  connectTimeoutMs: 30_000,
  neighborRetryMs: 30_000,
  overlayBurstMax: 64,
  overlayPerSecond: 8,
  connectsBurstMax: 16,
  connectsPerSecond: 1,
};

/** Limits above which a message of this node would not fit a frame. */
const CEILINGS: Partial<GossipLimits> = {
  wantsPerRequestMax: 4_096,
  responseBytesMax: PROTOCOL.frameBytesMax / 2,
  responseEntriesMax: 4_096,
  idsPerFilterMax: 524_288,
};

/** Waits that may be left out. */
const MAY_BE_ZERO: ReadonlySet<string> = new Set<keyof GossipLimits>(['ownHeadWaitMs', 'pushBatchMs']);

/** The defaults with some of them replaced. Throws `RangeError` on what is no bound, or would not fit a frame. */
export function limitsWith(changes: Partial<GossipLimits>): GossipLimits {
  const limits = { ...DEFAULT_LIMITS, ...changes };
  for (const [name, value] of Object.entries(limits)) {
    const ceiling = CEILINGS[name as keyof GossipLimits] ?? Number.MAX_SAFE_INTEGER;
    const isOff = value === 0 && MAY_BE_ZERO.has(name);
    if (!isOff && !(value > 0 && value <= ceiling))
      throw new RangeError(`limit ${name} must be above 0 and at most ${ceiling}, is ${value}`);
  }
  if (limits.activeViewMin > limits.activeViewMax)
    throw new RangeError('limit activeViewMin must be at most activeViewMax');
  return limits;
}
