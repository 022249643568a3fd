import { performance } from 'node:perf_hooks';
import {
  createToken,
  datagramFrameBytes,
  encodeDatagramFrame,
  type DatagramFrame,
} from './datagram-frames.js';
import type { FrameQueue, OutgoingFrame } from './frame-queue.js';
import type { HostPort } from './native.js';

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
  readonly outgoing: OutgoingFrame;
  /** Infinite until it has left. */
  endsAtMs: number;
}

/** How long an answer is waited for: some round trips to the other end of the world. Guess. */
const answerTimeoutMs = 2_000;
/** Answers that wait to be sent; a peer has few questions open. Guess. */
const answersMax = 4;
/**
 * What a datagram has besides a frame's payload: header with the longest id and packet number, the tag of the encryption (RFC
 * 9001 §5.3), type and length of the frame (RFC 9221 §4).
 */
const overheadBytes = 1 + 20 + 4 + 16 + 3;
/** Room for an acknowledgement that travels with it. Guess. */
const slackBytes = 12;
/** What a probe has at least. */
const probeBytesMin = 72;
/** How long a large probe lets everything else go first. Guess. */
const patienceMs = 50;
const nothing = new Uint8Array(0);

/**
 * Asks by DATAGRAM frames what reaches the peer, and answers the peer's. quiche never tells which packet was acknowledged,
 * so the answer does, and nothing of this kind is sent again when it is lost.
 *
 * A probe of a size goes when there is nothing else to send, since quiche would fill the room for it with what is. Only one
 * that has waited for long may travel so.
 */
export class PathProbes {
  readonly #queue: FrameQueue;
  readonly #answers: string[] = [];
  readonly #asked = new Map<string, Asked>();
  /** The probe of a size that waits for a moment of rest. */
  #sizeProbe: { readonly asked: Asked; readonly sinceMs: number } | undefined;

  constructor(queue: FrameQueue) {
    this.#queue = queue;
  }

  get wakeAtMs(): number {
    return Math.min(...Array.from(this.#asked.values(), ({ endsAtMs }) => endsAtMs));
  }

  /** Whether the peer takes a probe in so large a datagram. */
  isPossible(bytes = probeBytesMin): boolean {
    return frameBytesIn(bytes) <= this.#queue.frameBytesMax;
  }

  /** Each asker has one question of a size open at a time; `cancel` takes it back. */
  ask(probe: Probe): void {
    const token = createToken();
    const frame = encodeDatagramFrame({
      kind: 'probe',
      token,
      body: new Uint8Array(bodyBytesIn(probe.bytes)),
    });
    const asked: Asked = {
      probe,
      endsAtMs: Infinity,
      outgoing: {
        frame,
        roomBytes: probe.bytes,
        ...(probe.to !== undefined && { to: probe.to }),
        onSent: () => (asked.endsAtMs = performance.now() + answerTimeoutMs),
      },
    };
    this.#asked.set(token, asked);
    if (probe.to === undefined) this.#sizeProbe = { asked, sinceMs: performance.now() };
    else this.#queue.push(asked.outgoing);
  }

  cancel(probe: Probe): void {
    for (const [token, asked] of this.#asked) {
      if (asked.probe !== probe) continue;
      this.#asked.delete(token);
      this.#queue.remove(asked.outgoing);
      if (this.#sizeProbe?.asked === asked) this.#sizeProbe = undefined;
    }
  }

  received({ kind, token }: DatagramFrame): void {
    if (kind === 'probe' && this.#answers.length < answersMax) this.#answers.push(token);
    if (kind !== 'answer') return;
    const asked = this.#asked.get(token);
    if (asked === undefined || asked.endsAtMs === Infinity) return;
    this.#asked.delete(token);
    asked.probe.onAnswer();
  }

  /** Answers, and gives up what the peer did not answer. Once the connection is open, each turn. */
  turn(nowMs: number): void {
    for (const token of this.#answers.splice(0))
      this.#queue.push({ frame: encodeDatagramFrame({ kind: 'answer', token, body: nothing }) });
    for (const [token, asked] of this.#asked) {
      if (asked.endsAtMs > nowMs) continue;
      this.#asked.delete(token);
      asked.probe.onSilence();
    }
    const { asked, sinceMs } = this.#sizeProbe ?? {};
    if (asked === undefined || sinceMs === undefined || nowMs - sinceMs < patienceMs) return;
    this.#sizeProbe = undefined;
    this.#queue.push(asked.outgoing);
  }

  /** Everything else is sent: gives quiche the probe of a size that waits, for which the next datagram is to be made. */
  offerAtRest(): OutgoingFrame | undefined {
    const { asked } = this.#sizeProbe ?? {};
    return asked !== undefined && this.#queue.give(asked.outgoing) ? asked.outgoing : undefined;
  }

  /** What was offered at rest has left, or has not: then the window is full, and it waits on. */
  afterRest(hasLeft: boolean): void {
    if (hasLeft) this.#sizeProbe = undefined;
    else this.#queue.takeBack();
  }
}

function frameBytesIn(datagramBytes: number): number {
  return datagramBytes - overheadBytes - slackBytes;
}

function bodyBytesIn(datagramBytes: number): number {
  return Math.max(0, frameBytesIn(datagramBytes) - datagramFrameBytes(0));
}
