import type { Did } from '@icn/identity';
import { earlyBytesMax, type EarlyQuestion } from '../transport.js';
import {
  createToken,
  datagramFrameBytes,
  encodeDatagramFrame,
  type DatagramFrame,
} from './datagram-frames.js';
import type { FrameQueue } from './frame-queue.js';
import type { NativeConnection } from './native.js';

/** Answers what a peer asks early. Whoever replays a recorded flight has it called again: it must change nothing. */
export type AnswerEarly = (from: Did, question: Uint8Array) => Uint8Array | undefined;

export interface EarlyExchangeOptions {
  readonly native: NativeConnection;
  readonly frames: FrameQueue;
  /** Of a dialler who has a ticket. */
  readonly question: EarlyQuestion | undefined;
  /** Of the side that is dialled. */
  readonly answer: AnswerEarly | undefined;
  readonly onAnswered: () => void;
}

/**
 * One question and its answer in 0-RTT data (RFC 9001 §4.1, RFC 8446 §2.3), as DATAGRAM frames: the dialler of a resumed
 * connection asks with its first flight, and the other side answers with its own, a round trip before the connection is open.
 * Nothing else can be said early. Neither frame is sent again: who has no answer goes on without.
 */
export class EarlyExchange {
  readonly #native: NativeConnection;
  readonly #frames: FrameQueue;
  readonly #question: EarlyQuestion | undefined;
  readonly #answer: AnswerEarly | undefined;
  readonly #onAnswered: () => void;
  #isOver = false;
  #hasAsked = false;
  /** Of the question, once it is asked. */
  #token: string | undefined;

  constructor({ native, frames, question, answer, onAnswered }: EarlyExchangeOptions) {
    this.#native = native;
    this.#frames = frames;
    this.#question = question;
    this.#answer = answer;
    this.#onAnswered = onAnswered;
    this.#isOver = question === undefined && answer === undefined;
  }

  /** Whether it waits for a frame of the peer. */
  get isWaiting(): boolean {
    return !this.#isOver;
  }

  /** Hands the question to quiche, which can encrypt it once it has made its first packet. Returns whether there is one to send. */
  ask(): boolean {
    const question = this.#question;
    if (this.#isOver || this.#hasAsked || question === undefined || !this.#native.isInEarlyData())
      return false;
    this.#hasAsked = true;
    const body = question.ask();
    if (body === undefined || body.length > earlyBytesMax || !this.#hasRoom(body)) return this.end();
    const token = createToken();
    this.#token = token;
    this.#frames.push({ frame: encodeDatagramFrame({ kind: 'early-question', token, body }) });
    return true;
  }

  /** A frame of a peer that the ticket has proven. Both are heard once. */
  received(frame: DatagramFrame, from: Did): void {
    if (this.#isOver) return;
    if (frame.kind === 'early-answer' && frame.token === this.#token && this.#question !== undefined) {
      this.end();
      this.#question.onAnswer(Uint8Array.from(frame.body));
    } else if (frame.kind === 'early-question' && this.#answer !== undefined) {
      this.end();
      const answer = this.#answer(from, Uint8Array.from(frame.body));
      if (answer === undefined || answer.length > earlyBytesMax || !this.#hasRoom(answer)) return;
      this.#frames.push({
        frame: encodeDatagramFrame({ kind: 'early-answer', token: frame.token, body: answer }),
      });
      this.#onAnswered();
    }
  }

  /** The connection is open, or will not be: nothing is early any more. Returns that nothing is. */
  end(): false {
    this.#isOver = true;
    return false;
  }

  #hasRoom(body: Uint8Array): boolean {
    return datagramFrameBytes(body.length) <= this.#frames.frameBytesMax;
  }
}
