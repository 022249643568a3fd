// What `pnpm replay` (replay.mjs) counts.

/** @typedef {{ envelopes: number, senders: number, window: number, duplicates: number, crashes: number, seed: number }} Workload */
/** @typedef {{ senders: Uint32Array, sequences: Uint32Array, isRepetition: Uint8Array }} Arrivals */
/** @typedef {{ from: number, verdicts: readonly string[], heapBytes: number, diskBytes: number, senderCount: number, isFirst: boolean }} Report */

/**
 * Envelopes that wait for one flush together; of a small workload so few that each life of the guard has several.
 *
 * @param {Workload} workload
 */
export function batchSizeOf({ envelopes }) {
  return Math.min(2_000, Math.ceil(envelopes / 8));
}

/** What the guards said, beside what they had to say. */
export class Tally {
  /** @type {Record<string, number>} */
  #verdicts = {};
  /** @type {number[]} */
  #heaps = [];
  #acceptedCounts;
  #arrivals;
  #batchSize;
  #perSender;
  #restarts = -1; // the first life is none
  #unheardTo = 0;
  #unheard = 0;
  #wrong = 0;
  #diskBytesMax = 0;
  #senderCountMax = 0;

  /**
   * @param {Workload} workload
   * @param {Arrivals} arrivals
   */
  constructor(workload, arrivals) {
    const { envelopes, senders } = workload;
    this.#arrivals = arrivals;
    this.#batchSize = batchSizeOf(workload);
    this.#perSender = Math.ceil(envelopes / senders) + 1;
    this.#acceptedCounts = new Uint8Array(this.#perSender * senders);
  }

  /** What was being written may be remembered, though nobody heard of it. @param {number} from */
  crashed(from) {
    this.#unheardTo = from + this.#batchSize;
  }

  /** @param {Report} report */
  add({ from, verdicts, heapBytes, diskBytes, senderCount, isFirst }) {
    verdicts.forEach((verdict, offset) => this.#judge(from + offset, verdict));
    this.#heaps.push(heapBytes);
    this.#restarts += Number(isFirst);
    this.#diskBytesMax = Math.max(this.#diskBytesMax, diskBytes);
    this.#senderCountMax = Math.max(this.#senderCountMax, senderCount);
  }

  /**
   * @param {number} at
   * @param {string} verdict
   */
  #judge(at, verdict) {
    const { senders, sequences, isRepetition } = this.#arrivals;
    this.#verdicts[verdict] = (this.#verdicts[verdict] ?? 0) + 1;
    const index = (senders[at] ?? 0) * this.#perSender + (sequences[at] ?? 0);
    const isRefused = verdict === 'repeated' || verdict === 'too-old';
    if (verdict === 'accepted') this.#acceptedCounts[index] = (this.#acceptedCounts[index] ?? 0) + 1;
    if (isRepetition[at] === 1) this.#wrong += Number(!isRefused);
    else if (isRefused && at < this.#unheardTo) this.#unheard += 1;
    else this.#wrong += Number(verdict !== 'accepted');
  }

  result() {
    const counts = this.#acceptedCounts;
    return {
      arrivals: this.#arrivals.senders.length,
      repetitions: this.#arrivals.isRepetition.reduce((sum, each) => sum + each, 0),
      acceptedOnce: counts.reduce((sum, count) => sum + Number(count === 1), 0),
      acceptedTwice: counts.reduce((sum, count) => sum + Number(count > 1), 0),
      rememberedUnheard: this.#unheard,
      wrongVerdicts: this.#wrong,
      ...this.#verdicts,
      restarts: this.#restarts,
      senderCountMax: this.#senderCountMax,
      heapBytesMax: Math.max(...this.#heaps),
      heapGrowthBytes: Math.round(
        mean(this.#heaps.slice(-Math.ceil(this.#heaps.length / 4))) - mean(firstFull(this.#heaps)),
      ),
      diskBytesMax: this.#diskBytesMax,
    };
  }
}

/** The second eighth: the first fills the tables. @param {readonly number[]} heaps */
function firstFull(heaps) {
  return heaps.slice(Math.floor(heaps.length / 8), Math.ceil(heaps.length / 4) + 1);
}

/** @param {readonly number[]} values */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
