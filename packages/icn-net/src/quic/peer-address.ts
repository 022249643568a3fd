import type { HostPort } from './native.js';
import type { PathProbes, Probe } from './path-probes.js';

/** A challenge needs little room, so that a stranger's address gets little: no more than the packet that was heard from it. */
const challengeBytes = 160;
/** How often a new address is asked, and how long after one another: one of two datagrams may be lost each time. Guess. */
const challengesMax = 4;
const askAgainAfterMs = 500;
/** How long packets that were under way may still come from the port that was left. Guess. */
const leftForMs = 1_000;
/** How long no port is believed before it has answered, once one did not. Guess. */
const distrustForMs = 60_000;

/** Where the peer was heard, and is asked whether it is there. */
interface Candidate {
  readonly address: HostPort;
  readonly challenges: Probe[];
  askAtMs: number;
}

/**
 * Where the peer is. Its address may change: a NAT forgets, a laptop takes another network. Whoever is heard from another
 * address, by a packet that only the peer can have made, is asked there. Another host is sent to when it has answered, and
 * until then all else goes where it went. Another port of the same host is sent to at once, and no more if it does not
 * answer. So neither a copied packet nor a peer that lies of its address turns traffic on other hosts, or for long away from
 * the peer (RFC 9000 §8.2, §9.3).
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
  #left: { readonly address: HostPort; readonly untilMs: number } | undefined;
  #candidate: Candidate | undefined;
  #distrustUntilMs = -Infinity;

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
    return this.#candidate?.askAtMs ?? Infinity;
  }

  is(address: HostPort): boolean {
    return isSame(address, this.#current);
  }

  /** The peer made a packet that came from another address. */
  heardFrom(address: HostPort, nowMs: number): void {
    const left = this.#left;
    if (left !== undefined && nowMs < left.untilMs && isSame(address, left.address)) return;
    if (this.#candidate !== undefined) {
      if (isSame(address, this.#candidate.address)) return;
      this.#forget(this.#candidate);
    }
    if (address.host === this.#proven.host && nowMs >= this.#distrustUntilMs) {
      this.#left = { address: this.#current, untilMs: nowMs + leftForMs };
      this.#current = address;
    }
    if (!this.#probes.isPossible) return;
    this.#candidate = { address, challenges: [], askAtMs: nowMs };
    this.turn(nowMs);
  }

  /** Asks, and asks again where an answer is late. */
  turn(nowMs: number): void {
    const candidate = this.#candidate;
    if (candidate === undefined || nowMs < candidate.askAtMs) return;
    if (candidate.challenges.length === challengesMax) return this.#giveUp(candidate, nowMs);
    const challenge = this.#challenge(candidate);
    candidate.challenges.push(challenge);
    candidate.askAtMs = nowMs + askAgainAfterMs;
    this.#probes.ask(challenge);
  }

  #challenge(candidate: Candidate): Probe {
    const { address } = candidate;
    const onAnswer = (): void => {
      if (this.#candidate !== candidate) return;
      this.#forget(candidate);
      const isNewHost = address.host !== this.#proven.host;
      this.#current = address;
      this.#proven = address;
      if (isNewHost) this.#onNewHost(address.host);
    };
    return { bytes: challengeBytes, to: address, onAnswer, onSilence: () => undefined };
  }

  #giveUp(candidate: Candidate, nowMs: number): void {
    this.#forget(candidate);
    if (!isSame(candidate.address, this.#current)) return;
    this.#current = this.#proven;
    this.#left = undefined;
    this.#distrustUntilMs = nowMs + distrustForMs;
  }

  #forget(candidate: Candidate): void {
    for (const challenge of candidate.challenges) this.#probes.cancel(challenge);
    this.#candidate = undefined;
  }
}

function isSame(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.host === b.host;
}
