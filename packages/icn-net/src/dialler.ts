import type { Did } from '@icn/identity';
import { formatAddress, type Address } from './address.js';
import {
  createCandidate,
  rememberAddress,
  settleReach,
  soughtPeer,
  type Candidate,
  type SoughtPeer,
} from './candidate.js';
import { byScheme, CourseFailure, runCourse, schemeRank, type CourseResult } from './dial-course.js';
import { DialSlots } from './dial-slots.js';
import type { DiallerLimits } from './dialler-limits.js';
import { NetError } from './errors.js';
import type { CloseReason } from './protocol.js';
import type { Connection } from './transport.js';

export interface DiallerPorts {
  readonly self: Did;
  readonly dial: (address: Address, signal: AbortSignal) => Promise<Connection>;
  /** Whether there is no need to reach this peer now: it is connected, or blocked. */
  readonly isSettled: (peer: Did) => boolean;
  /** Whether a connection that nobody asked for by name would be kept, or to somebody of whom only a peer spoke is wanted. */
  readonly hasRoom: (isRumour: boolean) => boolean;
  readonly onConnection: (connection: Connection) => void;
  /** An address that is to be kept cannot be reached, said once until it can; it is tried on. */
  readonly onFailed: (address: Address, error: Error) => void;
  /** A peer answered at an address, and said nothing at another that would have been better. */
  readonly onSilent: (silent: Address, answering: Address) => void;
}

export interface HintOptions {
  /** The operator's word: the address is tried for ever, not a few times. */
  readonly keep?: boolean;
  /** Some peer's word: it is dialled while this node has few connections, or is asked to reach that DID. */
  readonly isRumour?: boolean;
}

/** After a refusal, the wait begins as after so many failures: who shows us the door opens it when it wants us again. */
const FAILURES_OF_A_REFUSAL = 3;

/** Knows whom to dial, where, and when to try again. One dial a candidate at a time. */
export class Dialler {
  readonly #ports: DiallerPorts;
  readonly #limits: DiallerLimits;
  /** By DID, or by address until the DID is known. */
  readonly #candidates = new Map<string, Candidate>();
  readonly #slots: DialSlots;
  #isClosed = false;

  constructor(ports: DiallerPorts, limits: DiallerLimits) {
    this.#ports = ports;
    this.#limits = limits;
    this.#slots = new DialSlots(limits.dialsMax);
  }

  /** Those of whom there is somebody to dial, now or later. */
  get sought(): readonly SoughtPeer[] {
    const nowMs = performance.now();
    return [...this.#candidates.values()]
      .filter((candidate) => !this.#isSettled(candidate))
      .map((candidate) => soughtPeer(candidate, nowMs));
  }

  get candidateCount(): number {
    return this.#candidates.size;
  }

  /** Says where somebody may be. */
  hint(address: Address, { keep = false, isRumour = false }: HintOptions = {}): void {
    if (this.#isClosed) return;
    const { did, ...anywhere } = address;
    // Said to be ourselves: dialled once, by which the transport learns whether another process has our key.
    if (did === this.#ports.self) return this.hint(anywhere);
    const key = address.did ?? formatAddress(address);
    const candidate = this.#candidates.get(key) ?? this.#create(key, address.did);
    if (candidate === undefined) return;
    candidate.isRumour &&= isRumour;
    this.#remember(candidate, address, keep);
    if (candidate.timer === undefined) this.#schedule(candidate, this.#yieldMs(candidate));
  }

  /** A peer is connected: from now on it is known, so that it is found again after a cut. */
  peerUp({ remote, remoteAddress }: Connection): void {
    const candidate = this.#candidates.get(remote) ?? this.#create(remote, remote);
    if (candidate === undefined) return;
    // Port 0 says that it cannot be dialled where it dialled from.
    if (remoteAddress.port !== 0) this.#remember(candidate, remoteAddress, false);
    candidate.lastUpAtMs = performance.now();
    candidate.isRumour = false;
    clearTimeout(candidate.timer);
    candidate.timer = undefined;
    settleReach(candidate, true);
  }

  /** A peer is gone: it is dialled soon, or later where it did not want us, or one did not understand the other. */
  peerDown(peer: Did, reason: CloseReason): void {
    const candidate = this.#candidates.get(peer);
    if (candidate === undefined || this.#isClosed) return;
    if (reason.code === 'protocol-error' || reason.code === 'too-many') {
      candidate.lastUpAtMs = -Infinity;
      candidate.failureCount += FAILURES_OF_A_REFUSAL;
    } else {
      const isRefusal = reason.by === 'peer' && reason.code !== 'done';
      candidate.lastUpAtMs = performance.now();
      candidate.failureCount = isRefusal ? FAILURES_OF_A_REFUSAL : 0;
    }
    this.#schedule(candidate, this.#backoffMs(candidate) + this.#yieldMs(candidate));
  }

  /**
   * Dials a peer at each address that is known of it, at once, and resolves with whether it answered. Where it is being
   * reached already, this is the same attempt.
   */
  reach(peer: Did): Promise<boolean> {
    const candidate = this.#candidates.get(peer);
    if (candidate === undefined || this.#isClosed) return Promise.resolve(false);
    return new Promise((resolve) => {
      const earlier = candidate.reach;
      if (earlier === undefined) {
        const ofEachScheme = byScheme(candidate.addresses.values()).map(({ length }) => length);
        candidate.reach = { attemptsLeft: Math.max(...ofEachScheme, 1), done: resolve };
        if (candidate.dialling === undefined) this.#schedule(candidate, 0);
        return;
      }
      const done = (isReached: boolean): void => {
        earlier.done(isReached);
        resolve(isReached);
      };
      candidate.reach = { attemptsLeft: earlier.attemptsLeft, done };
    });
  }

  /** Dials a known peer at once. */
  retry(peer: Did): void {
    const candidate = this.#candidates.get(peer);
    if (candidate === undefined || this.#isClosed) return;
    candidate.failureCount = 0;
    this.#schedule(candidate, 0);
  }

  /** Breaks off a dial to a peer that is not wanted any more. */
  cancel(peer: Did): void {
    const candidate = this.#candidates.get(peer);
    if (candidate === undefined) return;
    candidate.dialling?.abort();
    settleReach(candidate, false);
  }

  /** Whether the operator named an address of this peer. */
  isKept(peer: Did): boolean {
    return (this.#candidates.get(peer)?.kept.size ?? 0) > 0;
  }

  close(): void {
    this.#isClosed = true;
    for (const candidate of this.#candidates.values()) {
      clearTimeout(candidate.timer);
      candidate.dialling?.abort();
      settleReach(candidate, false);
    }
    this.#candidates.clear();
  }

  #create(key: string, peer: Did | undefined): Candidate | undefined {
    if (this.#candidates.size >= this.#limits.candidatesMax && !this.#forgetOne()) return undefined;
    const candidate = createCandidate(peer);
    this.#candidates.set(key, candidate);
    return candidate;
  }

  /** Makes room: the oldest hint that nobody asked to keep and that is not connected. */
  #forgetOne(): boolean {
    for (const [key, candidate] of this.#candidates) {
      if (candidate.kept.size > 0 || candidate.reach !== undefined || this.#isSettled(candidate)) continue;
      this.#forget(key, candidate);
      return true;
    }
    return false;
  }

  #forget(key: string, candidate: Candidate): void {
    candidate.isForgotten = true;
    candidate.dialling?.abort();
    clearTimeout(candidate.timer);
    settleReach(candidate, false);
    this.#candidates.delete(key);
  }

  #yieldMs({ peer }: Candidate): number {
    return peer !== undefined && peer < this.#ports.self ? this.#limits.yieldMs : 0;
  }

  #schedule(candidate: Candidate, delayMs: number): void {
    clearTimeout(candidate.timer);
    candidate.dialAtMs = performance.now() + delayMs;
    candidate.timer = setTimeout(() => {
      candidate.timer = undefined;
      this.#dial(candidate);
    }, delayMs);
  }

  #isSettled({ peer }: Candidate): boolean {
    return (
      this.#isClosed || (peer !== undefined && (peer === this.#ports.self || this.#ports.isSettled(peer)))
    );
  }

  #dial(candidate: Candidate): void {
    const { dialling, kept, reach, isRumour } = candidate;
    if (dialling !== undefined || this.#isSettled(candidate)) return;
    if (candidate.addresses.size === 0) return settleReach(candidate, false);
    // A guess is not worth a connection that this node would have to refuse.
    if (kept.size === 0 && reach === undefined && !this.#ports.hasRoom(isRumour))
      return this.#schedule(candidate, this.#limits.backoffMaxMs);
    candidate.dialling = new AbortController();
    const { signal } = candidate.dialling;
    this.#slots.take(() => void this.#dialNow(candidate, signal), reach !== undefined);
  }

  async #dialNow(candidate: Candidate, signal: AbortSignal): Promise<void> {
    try {
      if (candidate.addresses.size > 0 && !signal.aborted && !this.#isSettled(candidate))
        await this.#attempt(candidate, signal);
    } finally {
      candidate.dialling = undefined;
      this.#slots.free();
    }
  }

  /** Dials one address by each transport, the preferred one first; which of them, goes round with the failures. */
  async #attempt(candidate: Candidate, signal: AbortSignal): Promise<void> {
    const { fallbackDelayMs, attemptDelayMs, recentDialMs } = this.#limits;
    const tried = new Set<string>();
    const next = (): Address | undefined => {
      const groups = byScheme(candidate.addresses.values());
      const group = groups.find(([first]) => first !== undefined && !tried.has(first.scheme)) ?? [];
      const address = group[candidate.failureCount % group.length];
      if (address !== undefined) tried.add(address.scheme);
      return address;
    };
    const isRecent = this.#wasUpRecently(candidate);
    const isHurried = isRecent || candidate.isBestSilent;
    const sinceMs = performance.now();
    try {
      const result = await runCourse({
        next,
        dial: this.#ports.dial,
        signal,
        headStartMs: isHurried ? attemptDelayMs : fallbackDelayMs,
        stepMs: attemptDelayMs,
        // Where this node never dialled the peer with success, the peer did: it is the one that is quick to do so again.
        limitMs: isRecent ? recentDialMs + 3 * candidate.dialTookMs : Infinity,
        onSurplus: this.#ports.onConnection,
      });
      candidate.dialling = undefined;
      this.#succeeded(candidate, result);
    } catch (failure) {
      candidate.dialling = undefined;
      if (!(failure instanceof CourseFailure)) throw failure;
      const { address, cause } = failure;
      if (!this.#isSettled(candidate)) this.#failed(candidate, address, cause, performance.now() - sinceMs);
    }
  }

  #succeeded(candidate: Candidate, { connection, address, tookMs, silent }: CourseResult): void {
    const better = silent.find(({ scheme }) => schemeRank(scheme) < schemeRank(address.scheme));
    candidate.isBestSilent = better !== undefined;
    if (better !== undefined) this.#ports.onSilent(better, address);
    const answering = this.#answered(candidate, address, connection.remote);
    answering.dialTookMs = tookMs;
    this.#ports.onConnection(connection);
    if (!this.#isSettled(answering))
      this.#failed(answering, address, new Error('the connection was not kept'));
  }

  /** `elapsedMs`, what the attempt took, is part of the wait until the next. */
  #failed(candidate: Candidate, address: Address, error: Error, elapsedMs = 0): void {
    if (candidate.isForgotten) return;
    const { peer, kept } = candidate;
    candidate.failureCount++;
    const refusal = error instanceof NetError ? error.reason?.code : undefined;
    // Who has no room is not asked each second, however recently it was up.
    if (refusal === 'too-many') candidate.lastUpAtMs = -Infinity;
    if (candidate.reach !== undefined) {
      candidate.reach.attemptsLeft -= 1;
      if (candidate.reach.attemptsLeft > 0) return this.#schedule(candidate, 0);
      settleReach(candidate, false);
    }
    if (kept.size > 0 && candidate.failureCount === 1) this.#ports.onFailed(address, error);
    const isWorthIt =
      refusal !== 'own-did' &&
      (candidate.failureCount < this.#limits.hintFailuresMax || this.#wasUpRecently(candidate));
    if (kept.size > 0 || isWorthIt) this.#schedule(candidate, this.#backoffMs(candidate) - elapsedMs);
    else this.#forget(peer ?? formatAddress(address), candidate);
  }

  /**
   * A peer answered at an address of `candidate`; returns the candidate that this peer is. Where that is another one,
   * the address, which named no DID, is its address from now on, and so is the operator's word about it.
   */
  #answered(candidate: Candidate, address: Address, peer: Did): Candidate {
    if (candidate.peer === peer || candidate.isForgotten) return candidate;
    const text = formatAddress(address);
    const isKept = candidate.kept.delete(text);
    candidate.addresses.delete(text);
    if (candidate.addresses.size === 0) this.#forget(candidate.peer ?? text, candidate);
    else this.#failed(candidate, address, new Error(`another peer answered: ${peer}`));
    const answering = this.#candidates.get(peer) ?? this.#create(peer, peer) ?? candidate;
    this.#remember(answering, address, isKept);
    return answering;
  }

  #remember(candidate: Candidate, address: Address, keep: boolean): void {
    rememberAddress(candidate, address, keep, this.#limits.addressesPerCandidateMax);
  }

  #wasUpRecently({ lastUpAtMs }: Candidate): boolean {
    return performance.now() - lastUpAtMs < this.#limits.recentMs;
  }

  #backoffMs(candidate: Candidate): number {
    const { backoffFirstMs, backoffMaxMs, backoffRecentMaxMs } = this.#limits;
    const maxMs = this.#wasUpRecently(candidate) ? backoffRecentMaxMs : backoffMaxMs;
    return Math.min(backoffFirstMs * 2 ** candidate.failureCount, maxMs) * (0.5 + Math.random() / 2);
  }
}
