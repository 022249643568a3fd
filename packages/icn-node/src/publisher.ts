import { GossipError, type EntryName, type GossipErrorCode, type Topic } from '@icn/gossip';
import type { Published } from './topic.js';

interface Submission {
  readonly topic: Topic;
  readonly resolve: (published: readonly Published[]) => void;
  readonly reject: (error: Error) => void;
}

/** Ties what was submitted to the machine to the promises of those who published it. */
export class Publisher {
  readonly #submit: (topic: Topic, payloads: readonly Uint8Array[], ref: number) => void;
  readonly #pending = new Map<number, Submission>();
  #lastRef = 0;
  #abandonedFor: Error | undefined;

  constructor(submit: (topic: Topic, payloads: readonly Uint8Array[], ref: number) => void) {
    this.#submit = submit;
  }

  /** All of them or none, one after another in the log. */
  publish(topic: Topic, payloads: readonly Uint8Array[]): Promise<readonly Published[]> {
    return new Promise((resolve, reject) => {
      if (this.#abandonedFor !== undefined) return reject(this.#abandonedFor);
      const ref = ++this.#lastRef;
      this.#pending.set(ref, { topic, resolve, reject });
      this.#submit(topic, payloads, ref);
    });
  }

  acknowledged(ref: number, names: readonly EntryName[]): void {
    const submission = this.#take(ref);
    if (submission === undefined) return;
    const { topic, resolve } = submission;
    resolve(names.map(({ id, seq }) => ({ topic, id, seq, durable: true })));
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
