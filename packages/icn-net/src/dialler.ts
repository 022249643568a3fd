import type { Did } from '@icn/identity';
import { formatAddress, type Address } from './address.js';
import type { CloseReason } from './protocol.js';
import type { Connection } from './transport.js';

/** Bounds and waits of dialling. */
export interface DiallerLimits {
  /** Peers and addresses worth dialling that are remembered. */
  readonly candidatesMax: number;
  readonly addressesPerCandidateMax: number;
  /** A hint that failed so often in a row is forgotten; discovery brings it back if it lives. */
  readonly hintFailuresMax: number;
  /** The first wait after a failure; it doubles with each, and half of it is drawn at random. */
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** The longest wait for a peer that was up a short time ago, so that the end of a cut is noticed soon. */
  readonly backoffRecentMaxMs: number;
  readonly recentMs: number;
  /** Of two that find each other, the one with the larger DID waits so long, so that one connection is made and not two. */
  readonly yieldMs: number;
}

/** All guesses but `backoffRecentMaxMs`, which follows from the goal of meeting again within a second. */
export const defaultDiallerLimits: DiallerLimits = {
  candidatesMax: 1_024,
  addressesPerCandidateMax: 8,
  hintFailuresMax: 8,
  backoffFirstMs: 250,
  backoffMaxMs: 15_000,
  backoffRecentMaxMs: 1_000,
  recentMs: 300_000,
  yieldMs: 400,
};

export interface DiallerPorts {
  readonly self: Did;
  readonly dial: (address: Address, signal: AbortSignal) => Promise<Connection>;
  /** Whether there is no need to reach this peer now: it is connected, or blocked. */
  readonly isSettled: (peer: Did) => boolean;
  readonly onConnection: (connection: Connection) => void;
  /** An address that is to be kept cannot be reached, said once until it can; it is tried on. */
  readonly onFailed: (address: Address, error: Error) => void;
}

/** Somebody worth dialling: a peer, or before its DID is known an address. */
interface Candidate {
  /** The newest first. */
  readonly addresses: Map<string, Address>;
  /** Those of them that the operator named: while there is one, it is never given up. */
  readonly kept: Set<string>;
  peer: Did | undefined;
  failureCount: number;
  lastUpAtMs: number;
  timer: NodeJS.Timeout | undefined;
  dialling: AbortController | undefined;
  isForgotten: boolean;
}

/** After a refusal, the wait begins as after so many failures: who shows us the door opens it when it wants us again. */
const FAILURES_OF_A_REFUSAL = 3;

/** Knows whom to dial, where, and when to try again. One dial a candidate at a time. */
export class Dialler {
  readonly #ports: DiallerPorts;
  readonly #limits: DiallerLimits;
  /** By DID, or by address until the DID is known. */
  readonly #candidates = new Map<string, Candidate>();
  #isClosed = false;

  constructor(ports: DiallerPorts, limits: DiallerLimits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  get candidateCount(): number {
    return this.#candidates.size;
  }

  /** Says where somebody may be. With `keep` it is tried for ever, as the operator's word; otherwise a few times. */
  hint(address: Address, { keep = false } = {}): void {
    if (this.#isClosed || address.did === this.#ports.self) return;
    const key = address.did ?? formatAddress(address);
    const candidate = this.#candidates.get(key) ?? this.#create(key, address.did);
    if (candidate === undefined) return;
    this.#remember(candidate, address, keep);
    if (candidate.timer === undefined) this.#schedule(candidate, this.#yieldMs(candidate));
  }

  /** A peer is connected: from now on it is known, so that it is found again after a cut. */
  peerUp({ remote, remoteAddress }: Connection): void {
    const candidate = this.#candidates.get(remote) ?? this.#create(remote, remote);
    if (candidate === undefined) return;
    this.#remember(candidate, remoteAddress, false);
    candidate.lastUpAtMs = performance.now();
    clearTimeout(candidate.timer);
    candidate.timer = undefined;
  }

  /** A peer is gone: it is dialled soon, or later where it did not want us, or one did not understand the other. */
  peerDown(peer: Did, reason: CloseReason): void {
    const candidate = this.#candidates.get(peer);
    if (candidate === undefined || this.#isClosed) return;
    if (reason.code === 'protocol-error') {
      candidate.lastUpAtMs = -Infinity;
      candidate.failureCount += FAILURES_OF_A_REFUSAL;
    } else {
      const isRefusal = reason.by === 'peer' && reason.code !== 'done';
      candidate.lastUpAtMs = performance.now();
      candidate.failureCount = isRefusal ? FAILURES_OF_A_REFUSAL : 0;
    }
    this.#schedule(candidate, this.#backoffMs(candidate) + this.#yieldMs(candidate));
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
    this.#candidates.get(peer)?.dialling?.abort();
  }

  close(): void {
    this.#isClosed = true;
    for (const { timer, dialling } of this.#candidates.values()) {
      clearTimeout(timer);
      dialling?.abort();
    }
    this.#candidates.clear();
  }

  #create(key: string, peer: Did | undefined): Candidate | undefined {
    if (this.#candidates.size >= this.#limits.candidatesMax && !this.#forgetOne()) return undefined;
    const candidate: Candidate = {
      addresses: new Map(),
      kept: new Set(),
      peer,
      failureCount: 0,
      lastUpAtMs: -Infinity,
      timer: undefined,
      dialling: undefined,
      isForgotten: false,
    };
    this.#candidates.set(key, candidate);
    return candidate;
  }

  /** Makes room: the oldest hint that nobody asked to keep and that is not connected. */
  #forgetOne(): boolean {
    for (const [key, candidate] of this.#candidates) {
      if (candidate.kept.size > 0 || this.#isSettled(candidate)) continue;
      this.#forget(key, candidate);
      return true;
    }
    return false;
  }

  #forget(key: string, candidate: Candidate): void {
    candidate.isForgotten = true;
    candidate.dialling?.abort();
    clearTimeout(candidate.timer);
    this.#candidates.delete(key);
  }

  #yieldMs({ peer }: Candidate): number {
    return peer !== undefined && peer < this.#ports.self ? this.#limits.yieldMs : 0;
  }

  #schedule(candidate: Candidate, delayMs: number): void {
    clearTimeout(candidate.timer);
    candidate.timer = setTimeout(() => {
      candidate.timer = undefined;
      void this.#dial(candidate);
    }, delayMs);
  }

  #isSettled({ peer }: Candidate): boolean {
    return (
      this.#isClosed || (peer !== undefined && (peer === this.#ports.self || this.#ports.isSettled(peer)))
    );
  }

  async #dial(candidate: Candidate): Promise<void> {
    if (candidate.dialling !== undefined || this.#isSettled(candidate)) return;
    const addresses = [...candidate.addresses.values()];
    const address = addresses[candidate.failureCount % addresses.length];
    if (address === undefined) return;
    candidate.dialling = new AbortController();
    try {
      const connection = await this.#ports.dial(address, candidate.dialling.signal);
      candidate.dialling = undefined;
      const answering = this.#answered(candidate, address, connection.remote);
      this.#ports.onConnection(connection);
      if (!this.#isSettled(answering))
        this.#failed(answering, address, new Error('the connection was not kept'));
    } catch (error) {
      candidate.dialling = undefined;
      if (!this.#isSettled(candidate)) this.#failed(candidate, address, error as Error);
    }
  }

  #failed(candidate: Candidate, address: Address, error: Error): void {
    if (candidate.isForgotten) return;
    const { peer, kept } = candidate;
    candidate.failureCount++;
    if (kept.size > 0 && candidate.failureCount === 1) this.#ports.onFailed(address, error);
    const isWorthIt = candidate.failureCount < this.#limits.hintFailuresMax || this.#wasUpRecently(candidate);
    if (kept.size > 0 || isWorthIt) this.#schedule(candidate, this.#backoffMs(candidate));
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

  /** The newest address comes first; of too many, the oldest that the operator did not name is forgotten. */
  #remember({ addresses, kept }: Candidate, address: Address, keep: boolean): void {
    const text = formatAddress(address);
    if (keep) kept.add(text);
    const others = [...addresses].filter(([known]) => known !== text);
    addresses.clear();
    for (const [key, value] of [[text, address] as const, ...others]) addresses.set(key, value);
    const spare = others.filter(([key]) => !kept.has(key)).toReversed();
    const surplus = Math.max(0, addresses.size - this.#limits.addressesPerCandidateMax);
    for (const [key] of spare.slice(0, surplus)) addresses.delete(key);
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
