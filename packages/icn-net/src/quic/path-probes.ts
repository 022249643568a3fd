import type { HostPort, NativeConnection } from './native.js';
import {
  createToken,
  datagramFrameBytes,
  encodeDatagramFrame,
  type DatagramFrame,
} from './datagram-frames.js';

/** A question whether a datagram reaches the peer. */
export interface Probe {
  /** The UDP payload that it travels in, or a little less. */
  readonly bytes: number;
  /** Where it goes, if not where all else goes. */
  readonly to?: HostPort;
  readonly onAnswer: () => void;
  /** No answer came in time. */
  readonly onSilence: () => void;
}

interface Asked {
  readonly probe: Probe;
  readonly token: string;
  /** Infinite until it has left. */
  endsAtMs: number;
}

/** How long an answer is waited for: some round trips to the other end of the world. Guess. */
const answerTimeoutMs = 2_000;
/** Answers that wait to be sent; a peer has few questions open. Guess. */
const answersMax = 4;
/** Room that is left in a probe for the acknowledgements that travel with it. Guess. */
const slackBytes = 40;

const nothing = new Uint8Array(0);

/** Of each DATAGRAM queue of quiche: one frame of ours is sent at a time, a few of the peer's come in a turn. */
export const datagramQueueMax = 8;

/**
 * Asks by DATAGRAM frames what reaches the peer, and answers the peer's. quiche never tells which packet was acknowledged,
 * so the answer does, and nothing of this kind is sent again when it is lost.
 *
 * quiche is given one frame at a time and just the room for it: so it is known which datagram the frame is in.
 */
export class PathProbes {
  readonly #native: NativeConnection;
  readonly #answers: string[] = [];
  readonly #waiting: Asked[] = [];
  readonly #asked = new Map<string, Asked>();
  /** What quiche was given last, while it has not sent it. */
  #offered: Asked | 'answer' | undefined;

  constructor(native: NativeConnection) {
    this.#native = native;
  }

  /** Whether the peer takes DATAGRAM frames, as far as is known now. */
  get isPossible(): boolean {
    return this.#native.dgramMaxWritableLen() !== null;
  }

  get wakeAtMs(): number {
    return Math.min(...Array.from(this.#asked.values(), ({ endsAtMs }) => endsAtMs));
  }

  /** Each asker has one question open at a time; `cancel` takes it back. */
  ask(probe: Probe): void {
    this.#waiting.push({ probe, token: createToken(), endsAtMs: Infinity });
  }

  cancel(probe: Probe): void {
    const at = this.#waiting.findIndex((asked) => asked.probe === probe);
    if (at !== -1) this.#waiting.splice(at, 1);
    for (const [token, asked] of this.#asked) if (asked.probe === probe) this.#asked.delete(token);
  }

  received({ kind, token }: DatagramFrame): void {
    if (kind === 'probe' && this.#answers.length < answersMax) this.#answers.push(token);
    if (kind === 'answer') this.#answered(token);
  }

  /** Gives up what the peer did not answer. */
  turn(nowMs: number): void {
    for (const [token, asked] of this.#asked) {
      if (asked.endsAtMs > nowMs) continue;
      this.#asked.delete(token);
      asked.probe.onSilence();
    }
  }

  /** Gives quiche the next frame. Returns the probe, if it is one, that the next datagram is to make room for. */
  offer(): Probe | undefined {
    if (this.#isHeldUp()) this.#takeBack();
    if (this.#offered === undefined) {
      if (this.#answers.length > 0) this.#offerAnswer();
      else if (this.#waiting.length > 0) this.#offerProbe();
    }
    return this.#offered === 'answer' ? undefined : this.#offered?.probe;
  }

  /** Whether what matters waits behind a large probe, for which the congestion window may have no room for long. */
  #isHeldUp(): boolean {
    if (this.#offered === undefined || this.#offered === 'answer' || isChallenge(this.#offered)) return false;
    return this.#answers.length > 0 || this.#waiting.some(isChallenge);
  }

  #takeBack(): void {
    const offered = this.#offered as Asked;
    this.#native.dgramPurgeOutgoing(() => true);
    this.#offered = undefined;
    if (this.#asked.delete(offered.token)) this.#waiting.push(offered);
  }

  /** A datagram was made with the room that `offer` asked for. Returns the probe, if it is in it. */
  takeSent(nowMs: number): Probe | undefined {
    const offered = this.#offered;
    if (offered === undefined || this.#native.dgramSendQueueLen() > 0) return undefined;
    this.#offered = undefined;
    if (offered === 'answer') return undefined;
    offered.endsAtMs = nowMs + answerTimeoutMs;
    return offered.probe;
  }

  #offerAnswer(): void {
    const token = this.#answers.shift();
    if (token === undefined || !this.isPossible) return;
    this.#native.dgramSend(encodeDatagramFrame({ kind: 'answer', token, body: nothing }));
    this.#offered = 'answer';
  }

  #offerProbe(): void {
    const [asked] = this.#waiting.toSorted((a, b) => a.probe.bytes - b.probe.bytes);
    const roomBytes = this.#native.dgramMaxWritableLen();
    if (asked === undefined || roomBytes === null) return;
    const overheadBytes = this.#native.maxSendUdpPayloadSize() - roomBytes;
    const { token, probe } = asked;
    this.#waiting.splice(this.#waiting.indexOf(asked), 1);
    const frameBytes = probe.bytes - overheadBytes - slackBytes;
    const body = new Uint8Array(Math.max(0, frameBytes - datagramFrameBytes(0)));
    this.#native.dgramSend(encodeDatagramFrame({ kind: 'probe', token, body }));
    this.#asked.set(token, asked);
    this.#offered = asked;
  }

  #answered(token: string): void {
    const asked = this.#asked.get(token);
    if (asked === undefined) return;
    this.#asked.delete(token);
    asked.probe.onAnswer();
  }
}

/** A question about an address; others are about sizes. */
function isChallenge({ probe }: Asked): boolean {
  return probe.to !== undefined;
}
