import type { Did } from '@icn/identity';
import { createEntry, type VerifiedEntry } from '../entry/entry.js';
import { GossipError } from '../errors.js';
import { PROTOCOL } from '../limits.js';
import { OwnLog, type OwnLogSight, type Submission } from './own-log.js';
import type { TopicContext } from './topic-context.js';
import type { TopicState } from './topic-state.js';

/** The request that asks for the own log; the numbers of all other requests begin above it. */
const OWN_LOG_REQUEST = 0;
/** The largest seq that a range can name. */
const SEQ_MAX = Number.MAX_SAFE_INTEGER - 1;

export interface PublisherOptions {
  readonly context: TopicContext;
  readonly state: TopicState;
  readonly startedAtMs: number;
  /** Followers of the topic that are up. */
  readonly followers: () => readonly Did[];
  /** Takes in and announces an entry that was made here. */
  readonly publish: (entry: VerifiedEntry, nowMs: number) => void;
}

/** Makes entries of our own in one topic, as its `OwnLog` lets it. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #ownLog: OwnLog;

  constructor(options: PublisherOptions) {
    this.#options = options;
    const { keyPair, limits } = options.context;
    const ownLogOptions = {
      self: keyPair.did,
      waitMs: limits.ownHeadWaitMs,
      waitingMax: limits.submissionsWaitingMax,
    };
    this.#ownLog = new OwnLog(ownLogOptions, options.startedAtMs);
  }

  get wakeAtMs(): number | undefined {
    return this.#ownLog.wakeAtMs;
  }

  /** Whether submissions wait for what peers say; then `tend` is to be called at each change of who is there. */
  get isAsking(): boolean {
    return this.#ownLog.isAsking;
  }

  /** Publishes a copy of the payload, now or when the own head is known. Throws `GossipError` where it never will. */
  submit(payload: Uint8Array, ref: number, nowMs: number): void {
    this.#insistOnAllowed(payload);
    const { limits } = this.#options.context;
    if (!this.#ownLog.submit({ payload: Uint8Array.from(payload), ref }, nowMs)) {
      const message = `${limits.submissionsWaitingMax} submissions wait already for what peers hold of this node's log`;
      throw new GossipError('submissions-full', message);
    }
    this.tend(nowMs);
  }

  /** Asks whom there is to ask, and publishes what has waited enough. */
  tend(nowMs: number): void {
    const sight = this.#sight();
    for (const peer of this.#ownLog.takeAsks(sight)) this.#ask(peer);
    for (const submission of this.#ownLog.takeDue(sight, nowMs)) this.#publishOrReject(submission, nowMs);
  }

  /** Whether an answer of that number is one about the own log, which that peer was asked for. */
  expects(requestId: number, peer: Did): boolean {
    return requestId === OWN_LOG_REQUEST && this.#ownLog.expects(peer);
  }

  /** An answer about the own log was taken in; `newCount` of its entries had not been held. */
  answered(peer: Did, more: boolean, newCount: number): void {
    this.#ownLog.answered(peer, !more || newCount === 0);
  }

  peerDown(peer: Did): void {
    this.#ownLog.peerDown(peer);
  }

  /** A peer sent a genuine entry that was not held. If a twin made it, nothing is published any more in this life. */
  arrived({ header }: VerifiedEntry): void {
    if (!this.#ownLog.isFromTwin(header)) return;
    this.#options.context.ownDid.isElsewhere = true;
    this.rejectAll('own-did-elsewhere', TWIN_MESSAGE);
  }

  /** Gives up what waits. */
  rejectAll(code: GossipError['code'], message: string): void {
    for (const { ref } of this.#ownLog.takeAll()) this.#reject(ref, new GossipError(code, message));
  }

  /** Another live node with this node's DID was met. */
  twinMet(): void {
    this.rejectAll('own-did-elsewhere', TWIN_MESSAGE);
  }

  #publishOrReject({ payload, ref }: Submission, nowMs: number): void {
    try {
      this.#insistOnAllowed(payload);
      this.#publish(payload, ref, nowMs);
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      this.#reject(ref, error);
    }
  }

  #publish(payload: Uint8Array, ref: number, nowMs: number): void {
    const { context, state, publish } = this.#options;
    const { keyPair, network, limits, outbox } = context;
    const { topic } = state;
    const prev = state.lastOf(keyPair.did, 0);
    const fields = {
      network,
      topic,
      lane: 0 as const,
      seq: (prev?.seq ?? 0) + 1,
      prev: prev?.id ?? null,
      deps: state.frontier(prev),
      timestampMs: Math.floor(nowMs),
    };
    const entry = createEntry(keyPair, fields, payload);
    const links = { name: entry.name, prev: fields.prev, deps: fields.deps };
    if (state.refusalOf(links, true) !== undefined) {
      const message = `topic ${topic} holds ${limits.entriesPerTopicMax} entries, which is the limit of this node`;
      throw new GossipError('topic-full', message);
    }
    this.#ownLog.made(entry.name.id);
    publish(entry, nowMs);
    outbox.effectWhenDurable({ type: 'acknowledge', ref, name: entry.name });
  }

  #insistOnAllowed(payload: Uint8Array): void {
    const { context, state } = this.#options;
    if (payload.length > PROTOCOL.payloadBytesMax) {
      const message = `the payload has ${payload.length} bytes; an entry takes at most ${PROTOCOL.payloadBytesMax}`;
      throw new GossipError('payload-too-large', message);
    }
    if (context.ownDid.isElsewhere) throw new GossipError('own-did-elsewhere', TWIN_MESSAGE);
    const from = state.closedFrom(context.keyPair.did, 0);
    if (from !== undefined) {
      const message = `this node's log of ${state.topic} is closed from entry ${from} on, because it was forked too often`;
      throw new GossipError('log-closed', message);
    }
  }

  #reject(ref: number, { code, message }: GossipError): void {
    this.#options.context.outbox.effect({ type: 'reject', ref, code, message });
  }

  #ask(peer: Did): void {
    const { context, state } = this.#options;
    const { did } = context.keyPair;
    const from = (state.lastOf(did, 0)?.seq ?? 0) + 1;
    context.outbox.send([peer], {
      type: 'PullRequest',
      requestId: OWN_LOG_REQUEST,
      topic: state.topic,
      missing: [],
      ranges: [{ author: did, lane: 0, from, to: SEQ_MAX }],
      bytesMax: context.limits.responseBytesMax,
      heads: null,
      evidence: [],
    });
  }

  #sight(): OwnLogSight {
    if (!this.#ownLog.isAsking) return NOBODY;
    const { context, state, followers } = this.#options;
    const hasSilentPeers = [...context.peers].some(
      ({ hasSubscribed, topics }) => !hasSubscribed && !topics.has(state.topic),
    );
    const isWhole = (state.log(context.keyPair.did, 0)?.parkedCount ?? 0) === 0;
    return { followers: followers(), hasSilentPeers, isWhole };
  }
}

const NOBODY: OwnLogSight = { followers: [], hasSilentPeers: false, isWhole: true };
const TWIN_MESSAGE =
  'another live node publishes with the DID of this one: stop one of the two, then start this one again';
