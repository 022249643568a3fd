import type { HostPort } from './native.js';
import type { PathProbes, Probe } from './path-probes.js';

/** The UDP payload of a challenge. */
const challengeBytes = 72;
/** How much may be sent where nothing has answered, for each byte that was heard from there (RFC 9000 §8.1). */
const sentPerHeardByte = 3;
/** How often a new address is asked, and how long after one another: one of two datagrams may be lost each time. Guess. */
const challengesMax = 4;
const askAgainAfterMs = 500;
/** How long a port is believed that has not answered. */
const trialMs = challengesMax * askAgainAfterMs;
/** How long packets that were under way may still come from the port that was left. Guess. */
const leftForMs = 1_000;
/** How long no port is believed before it has answered, once one did not. Guess. */
const distrustForMs = 60_000;

/** Where the peer was heard, and is asked whether it is there. */
interface Candidate {
  readonly address: HostPort;
  readonly challenges: Probe[];
  askAtMs: number;
  creditBytes: number;
}

/**
 * Where the peer is. Its address may change: a NAT forgets, a laptop takes another network. Whoever is heard from another
 * address, by a packet that only the peer can have made, is asked there. Another host is sent to when it has answered, and
 * until then all else goes where it went. Another port of the same host is sent to at once, on trial: for so long in all, and
 * never two at a time. So neither a copied packet nor a peer that lies of its address turns traffic on other hosts, or for long
 * away from the peer (RFC 9000 §8.2, §9.3).
 *
 * quiche is told nothing of it: to it all comes from the first address. It would follow, too, but keeps for each address
 * what it has lost there, which after a move it never notices, so that streams can wait for ever; and it needs a
 * connection id for each. See docs/decisions/0018-following-a-peer-ourselves.md.
 */
export class PeerAddress {
  readonly #probes: PathProbes;
  readonly #onNewHost: (host: string) => void;
  #current: HostPort;
  /** The last that has answered. */
  #proven: HostPort;
  /** When the trial ends of ports that have not: the first's begins it, an answer ends it. */
  #trialEndsAtMs = Infinity;
  #distrustUntilMs = -Infinity;
  #left: { readonly address: HostPort; readonly untilMs: number } | undefined;
  #candidate: Candidate | undefined;

  constructor(first: HostPort, probes: PathProbes, onNewHost: (host: string) => void) {
    this.#current = first;
    this.#proven = first;
    this.#probes = probes;
    this.#onNewHost = onNewHost;
  }

  get current(): HostPort {
    return this.#current;
  }

  get wakeAtMs(): number {
    return Math.min(this.#candidate?.askAtMs ?? Infinity, this.#trialEndsAtMs);
  }

  is(address: HostPort): boolean {
    return isSame(address, this.#current);
  }

  /** The peer made a packet that came from another address than the one that is sent to. */
  heardFrom(address: HostPort, byteCount: number, nowMs: number): void {
    const left = this.#left;
    if (left !== undefined && nowMs < left.untilMs && isSame(address, left.address)) return;
    // It is where it was after all: one of the two is not the peer.
    if (isSame(address, this.#proven)) return this.#endTrial(nowMs);
    if (this.#candidate === undefined || !isSame(address, this.#candidate.address)) {
      this.#forgetCandidate();
      if (this.#isTried(address, nowMs)) this.#follow(address, nowMs);
      if (!this.#probes.isPossible()) return;
      this.#candidate = { address, challenges: [], askAtMs: nowMs, creditBytes: 0 };
    }
    this.#candidate.creditBytes += sentPerHeardByte * byteCount;
    if (this.#candidate.askAtMs === Infinity) this.#candidate.askAtMs = nowMs;
    this.turn(nowMs);
  }

  /** Asks, and asks again where an answer is late. */
  turn(nowMs: number): void {
    if (nowMs >= this.#trialEndsAtMs) this.#endTrial(nowMs);
    const candidate = this.#candidate;
    if (candidate === undefined || nowMs < candidate.askAtMs) return;
    if (candidate.challenges.length === challengesMax) return this.#forgetCandidate();
    const isCovered = candidate.creditBytes >= challengeBytes;
    candidate.askAtMs = isCovered ? nowMs + askAgainAfterMs : Infinity;
    if (!isCovered) return;
    candidate.creditBytes -= challengeBytes;
    const challenge = this.#challenge(candidate);
    candidate.challenges.push(challenge);
    this.#probes.ask(challenge);
  }

  /** Whether a port is sent to before it has answered. */
  #isTried({ host }: HostPort, nowMs: number): boolean {
    return host === this.#proven.host && nowMs >= this.#distrustUntilMs;
  }

  #follow(address: HostPort, nowMs: number): void {
    this.#left = { address: this.#current, untilMs: nowMs + leftForMs };
    this.#current = address;
    // Who takes no probes cannot be asked.
    if (!this.#probes.isPossible()) this.#proven = address;
    else if (this.#trialEndsAtMs === Infinity) this.#trialEndsAtMs = nowMs + trialMs;
  }

  #challenge(candidate: Candidate): Probe {
    const { address } = candidate;
    const onAnswer = (): void => {
      if (this.#candidate !== candidate) return;
      this.#forgetCandidate();
      this.#trialEndsAtMs = Infinity;
      const isNewHost = address.host !== this.#proven.host;
      this.#current = address;
      this.#proven = address;
      if (isNewHost) this.#onNewHost(address.host);
    };
    return { bytes: challengeBytes, to: address, onAnswer, onSilence: () => undefined };
  }

  /** What was followed has not answered. */
  #endTrial(nowMs: number): void {
    if (this.#trialEndsAtMs === Infinity) return;
    this.#trialEndsAtMs = Infinity;
    this.#forgetCandidate();
    this.#current = this.#proven;
    this.#left = undefined;
    this.#distrustUntilMs = nowMs + distrustForMs;
  }

  #forgetCandidate(): void {
    for (const challenge of this.#candidate?.challenges ?? []) this.#probes.cancel(challenge);
    this.#candidate = undefined;
  }
}

function isSame(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.host === b.host;
}
