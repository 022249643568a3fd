import { nameKey, type DnsMessage } from './dns-message.js';

/** RFC 6762 §6: answers that others may give too wait a random time, so that not all speak at once. */
const delayMinMs = 20;
const delaySpreadMs = 100;
/** RFC 6762 §6: a record is sent to a link at most once a second. */
const pauseMs = 1_000;

/** When responses may leave by one link: the library answers each question at once, however often it is asked. */
export class AnswerPace {
  readonly #random: () => number;
  /** When what was said last, by what it answers: our own names, so it is bounded. */
  readonly #saidAtMs = new Map<string, number>();

  constructor(random: () => number) {
    this.#random = random;
  }

  /** How long a response is to wait, in ms; `undefined` where everybody heard it a moment ago. */
  delayMs({ answers }: DnsMessage, nowMs: number): number | undefined {
    // Goodbyes do not wait: who says them has not much time.
    if (answers.every(({ ttl }) => ttl === 0)) return 0;
    const key = answers.map(({ name, type }) => `${nameKey(name)} ${type}`).join();
    const saidAtMs = this.#saidAtMs.get(key);
    if (saidAtMs !== undefined && nowMs - saidAtMs < pauseMs) return undefined;
    this.#saidAtMs.set(key, nowMs);
    const isShared = answers.every(({ type }) => type === 'PTR');
    return isShared ? delayMinMs + delaySpreadMs * this.#random() : 0;
  }
}
