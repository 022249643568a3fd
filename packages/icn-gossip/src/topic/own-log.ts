import type { Did } from '@icn/identity';
import type { EntryHeader } from '../entry/entry-header.js';
import type { EntryId } from '../entry/entry-name.js';

/** What the application wants to publish, all of it or none; `ref` names it in the answer. */
export interface Submission {
  readonly payloads: readonly Uint8Array[];
  readonly ref: number;
}

export interface OwnLogOptions {
  /** This node's DID. */
  readonly self: Did;
  /** The longest wait for what peers hold of the own log, in milliseconds; 0 asks nobody. */
  readonly waitMs: number;
  /** Payloads that may wait meanwhile. */
  readonly waitingMax: number;
}

/** What the rest of the node knows, at the moment. */
export interface OwnLogSight {
  /** Followers of the topic that are up. */
  readonly followers: readonly Did[];
  /** Peers that are up and have not said yet what they follow. */
  readonly hasSilentPeers: boolean;
  /** Whether all that is held of the own log is linked. */
  readonly isWhole: boolean;
}

/** Entries of this life that are remembered; a twin goes on after the newest that it sees (guess). */
const MADE_MAX = 4_096;
const PREFIX_DIGITS = 16;

/**
 * The safety of the own log (I8), as a machine within the machine, once for each time that a topic is joined.
 *
 * - Before the first entry is made, each follower that is up, or comes up meanwhile, is asked what it holds of the
 *   own log; a node restored from a backup so goes on where it was. Submissions wait until all have answered and
 *   all that came is linked, but never longer than `waitMs`, whatever anybody answers. Nobody there: no wait.
 * - An entry of the own log that comes from elsewhere shows a second live node with this DID, a *twin*, if it
 *   names an entry made in this life, or says that it was made after this life began. An older one does not: it
 *   comes from a life whose disk was lost.
 *
 * The second sign trusts two clocks. A twin whose clock is behind is found by the first sign, once it has seen
 * one of our entries. A clock that was set back between two lives can make the own past look like a twin, if that
 * past was lost here as well: then the node stops publishing for this life, and in the next one holds the entry.
 */
export class OwnLog {
  readonly #options: OwnLogOptions;
  readonly #startedAtMs: number;
  #phase: 'unasked' | 'asking' | 'ready';
  #endsAtMs: number | undefined;
  /** Followers that were asked and have not told all. */
  readonly #asked = new Set<Did>();
  /** Followers whose answer is complete. */
  readonly #heard = new Set<Did>();
  #waiting: Submission[] = [];
  #waitingCount = 0;
  /** How the ids of entries made in this life begin; the oldest are forgotten. */
  readonly #made = new Set<string>();

  constructor(options: OwnLogOptions, startedAtMs: number) {
    this.#options = options;
    this.#startedAtMs = startedAtMs;
    this.#phase = options.waitMs > 0 ? 'unasked' : 'ready';
  }

  /** When the wait ends. */
  get wakeAtMs(): number | undefined {
    return this.#endsAtMs;
  }

  /** Whether submissions wait for peers. */
  get isAsking(): boolean {
    return this.#phase === 'asking';
  }

  /** Takes a submission in its order; false where too many wait. `takeDue` gives it back. */
  submit(submission: Submission, nowMs: number): boolean {
    const waitingCount = this.#waitingCount + submission.payloads.length;
    if (waitingCount > this.#options.waitingMax && this.#phase !== 'ready') return false;
    this.#waiting.push(submission);
    this.#waitingCount = waitingCount;
    if (this.#phase === 'unasked') {
      this.#phase = 'asking';
      this.#endsAtMs = nowMs + this.#options.waitMs;
    }
    return true;
  }

  /** The peers to ask now for what they hold of the own log beyond what is held here. */
  takeAsks({ followers }: OwnLogSight): readonly Did[] {
    if (this.#phase !== 'asking') return [];
    const next = followers.filter((peer) => !this.#asked.has(peer) && !this.#heard.has(peer));
    for (const peer of next) this.#asked.add(peer);
    return next;
  }

  /** Whether `peer` was asked, and has not answered. */
  expects(peer: Did): boolean {
    return this.#asked.has(peer);
  }

  /** An asked peer answered; if it has more, and what it sent brought the log on, it is asked again. */
  answered(peer: Did, isComplete: boolean): void {
    if (this.#asked.delete(peer) && isComplete) this.#heard.add(peer);
  }

  /** Nothing more is to be heard of that peer; when it comes up again it is asked again. */
  peerDown(peer: Did): void {
    this.#asked.delete(peer);
    this.#heard.delete(peer);
  }

  /** The submissions whose turn it is, in order. */
  takeDue({ followers, hasSilentPeers, isWhole }: OwnLogSight, nowMs: number): readonly Submission[] {
    if (this.#phase === 'asking') {
      const isAnswered = followers.every((peer) => this.#heard.has(peer)) && !hasSilentPeers;
      const isTold = isAnswered && (isWhole || followers.length === 0);
      if (!isTold && nowMs < (this.#endsAtMs ?? 0)) return [];
      this.#phase = 'ready';
      this.#endsAtMs = undefined;
      this.#asked.clear();
      this.#heard.clear();
    }
    return this.takeAll();
  }

  /** All submissions that wait, in order. */
  takeAll(): readonly Submission[] {
    const all = this.#waiting;
    this.#waiting = [];
    this.#waitingCount = 0;
    return all;
  }

  /** Notes an entry that this node made. */
  made(id: EntryId): void {
    this.#made.add(id.slice(0, PREFIX_DIGITS));
    if (this.#made.size <= MADE_MAX) return;
    const [oldest] = this.#made;
    if (oldest !== undefined) this.#made.delete(oldest);
  }

  /** Whether a genuine entry that a peer sent and this node did not hold was made by a twin. */
  isFromTwin({ author, prev, deps, timestampMs }: EntryHeader): boolean {
    const { self } = this.#options;
    if (author !== self) return false;
    if (timestampMs > this.#startedAtMs) return true;
    if (prev !== null && this.#made.has(prev.slice(0, PREFIX_DIGITS))) return true;
    return deps.some((dep) => dep.author === self && this.#made.has(dep.idPrefix));
  }
}
