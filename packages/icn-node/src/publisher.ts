import { GossipError, type EntryName, type GossipErrorCode, type Topic } from '@icn/gossip';
import type { Published } from './topic.js';

interface Submission {
  readonly topic: Topic;
  readonly resolve: (published: Published) => void;
  readonly reject: (error: Error) => void;
}

/** Ties what was submitted to the machine to the promises of those who published it. */
export class Publisher {
  readonly #submit: (topic: Topic, payload: Uint8Array, ref: number) => void;
  readonly #pending = new Map<number, Submission>();
  #lastRef = 0;
  #abandonedFor: Error | undefined;

  constructor(submit: (topic: Topic, payload: Uint8Array, ref: number) => void) {
    this.#submit = submit;
  }

  publish(topic: Topic, payload: Uint8Array): Promise<Published> {
    return new Promise((resolve, reject) => {
      if (this.#abandonedFor !== undefined) return reject(this.#abandonedFor);
      const ref = ++this.#lastRef;
      this.#pending.set(ref, { topic, resolve, reject });
      this.#submit(topic, payload, ref);
    });
  }

  acknowledged(ref: number, { id, seq }: EntryName): void {
    const submission = this.#take(ref);
    submission?.resolve({ topic: submission.topic, id, seq, durable: true });
  }

  rejected(ref: number, code: GossipErrorCode, message: string): void {
    this.#take(ref)?.reject(new GossipError(code, message));
  }

  /** Nothing that is pending, or comes later, will be acknowledged. */
  abandon(error: Error): void {
    this.#abandonedFor ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #take(ref: number): Submission | undefined {
    const submission = this.#pending.get(ref);
    this.#pending.delete(ref);
    return submission;
  }
}
