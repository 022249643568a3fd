import { isSignedEnvelope, type SignedEnvelope } from '../envelope/signed-envelope.js';
import { IdentityError } from '../identity-error.js';
import {
  decodeSightings,
  encodeSighting,
  encodeSnapshot,
  replayRecordBytes,
  restoreSnapshot,
} from './replay-codec.js';
import { ReplayState, type ReplayLimits, type ReplayVerdict } from './replay-state.js';
import type { ReplayStore } from './replay-store.js';

export const defaultReplayLimits: ReplayGuardLimits = {
  /** 2 MiB; finding whom to evict looks at all of them (50 µs, less than the signature before it). */
  sendersMax: 4_096,
  /** IPsec has 32 to 64 for packets (RFC 4303 §3.4.3); envelopes come by many ways and days apart. A guess. */
  windowSize: 1_024,
  /** What Kerberos takes for clocks that nobody keeps (RFC 4120 §8.2). */
  clockAheadMaxMs: 5 * 60_000,
  /** 3 MiB of records before the next snapshot: a guess between the time to write one and the time to read them. */
  appendedMax: 65_536,
  /** Four full seconds of signatures: a guess. */
  waitingMax: 65_536,
};

/** Beyond it, to find whom to evict would cost more than many signatures: a guess. */
const sendersLimit = 65_536;

export interface ReplayGuardLimits extends ReplayLimits {
  /** Records appended until a snapshot takes their place. */
  readonly appendedMax: number;
  /** Envelopes that wait for the store, be they accepted or refused. */
  readonly waitingMax: number;
}

/** `busy`: too many wait for the store; nothing was remembered, it may be offered again. */
export type Admission = ReplayVerdict | 'busy';

/** What goes to the store together. `durable` settles with it, and is waited for by at least who brought a record. */
interface Batch {
  readonly records: Uint8Array[];
  readonly durable: Promise<void>;
  readonly settle: (error?: IdentityError) => void;
}

/**
 * Accepts each envelope at most once, in any order within a window of its sender, across restarts.
 *
 * 1. What was accepted is on disk before anybody hears of it, be it from the acceptance or from the refusal of another.
 *    So it is never accepted again, and a crash between that and the caller's work loses the envelope: at most once.
 * 2. What was accepted is on disk to the sequence, and nothing else but what was being written in a crash. So after a
 *    restart the guard says what it would have said without.
 * 3. Its memory and its store are bounded, by the rule of {@link ReplayState}.
 *
 * Senders are told apart by key. Ask it last, when the envelope is opened and its sender may say this at all, so that
 * strangers do not take the place of those who matter; give those whom you know a guard of their own. One guard at a
 * time may use a store.
 */
export class ReplayGuard {
  readonly #store: ReplayStore;
  readonly #limits: ReplayGuardLimits;
  readonly #state: ReplayState;
  #appendedCount: number;
  /** The batch at the store, and the one that gathers meanwhile. */
  #writing: Batch | undefined;
  #gathering: Batch | undefined;
  #waitingCount = 0;
  #flushing: Promise<void> | undefined;
  #failure: IdentityError | undefined;

  private constructor(
    store: ReplayStore,
    limits: ReplayGuardLimits,
    state: ReplayState,
    appendedCount: number,
  ) {
    this.#store = store;
    this.#limits = limits;
    this.#state = state;
    this.#appendedCount = appendedCount;
  }

  /**
   * A guard that goes on where the last one with this store ended. Limits may differ from its.
   *
   * @throws IdentityError `replay-corrupt` when the store holds what no guard wrote: an empty memory in its place would
   *   accept everything again. `replay-store` when the store cannot be read.
   */
  static async open(store: ReplayStore, limits: Partial<ReplayGuardLimits> = {}): Promise<ReplayGuard> {
    const all = { ...defaultReplayLimits, ...limits };
    assertLimits(all);
    const state = new ReplayState(all);
    try {
      return new ReplayGuard(store, all, state, await restore(store, state, all));
    } catch (error) {
      await store.close().catch(() => undefined); // what is worse was thrown already
      throw error instanceof IdentityError ? error : storeFailure(error);
    }
  }

  get senderCount(): number {
    return this.#state.records.size;
  }

  /** The time at or before which a sender who is not remembered is not heard; −1 before the first eviction. */
  get floorMs(): number {
    return this.#state.floorMs;
  }

  /**
   * Says whether to act on an envelope that {@link openEnvelope} gave. `nowMs` is the own clock. Many may be asked at
   * once: they share a flush. A refusal for what another brought waits for the flush that makes that durable.
   *
   * @throws IdentityError `replay-store` when the store failed: this envelope may or may not be remembered, and the
   *   guard accepts nothing more until it is opened anew. `envelope-invalid` for anything but an envelope that was opened.
   */
  async admit(envelope: SignedEnvelope, nowMs: number): Promise<Admission> {
    if (!isSignedEnvelope(envelope))
      throw new IdentityError('envelope-invalid', 'not an envelope that openEnvelope or createEnvelope gave');
    if (this.#failure !== undefined) throw this.#failure;
    const verdict = this.#state.judge(envelope, nowMs);
    if (verdict === 'in-future') return verdict; // what is remembered has no part in it
    if (this.#waitingCount >= this.#limits.waitingMax) return 'busy';
    if (verdict === 'accepted') {
      this.#gathering ??= emptyBatch();
      this.#gathering.records.push(encodeSighting(envelope));
      this.#state.remember(envelope);
      this.#flushing ??= this.#flush();
    }
    await this.#durable();
    return verdict;
  }

  /** Fulfils when all that is remembered now is durable. */
  async #durable(): Promise<void> {
    const last = this.#gathering ?? this.#writing;
    if (last === undefined) return;
    this.#waitingCount += 1;
    try {
      await last.durable;
    } finally {
      this.#waitingCount -= 1;
    }
  }

  /** Waits for what is on its way to the store, and closes it. Nothing is admitted after. */
  async close(): Promise<void> {
    this.#failure ??= new IdentityError('replay-store', 'the replay guard is closed');
    await this.#flushing;
    await this.#store.close();
  }

  /** One operation of the store at a time; what comes meanwhile goes with the next. */
  async #flush(): Promise<void> {
    await Promise.resolve(); // so that all that one turn admits go together
    while (this.#gathering !== undefined) {
      const batch = this.#gathering;
      [this.#writing, this.#gathering] = [batch, undefined];
      const failure = await this.#write(batch.records).then(() => undefined, storeFailure);
      this.#writing = undefined;
      batch.settle(failure);
      if (failure === undefined) continue;
      this.#failure = failure;
      (this.#gathering as Batch | undefined)?.settle(failure);
      this.#gathering = undefined;
    }
    this.#flushing = undefined;
  }

  /** The state has the batch already, so a snapshot does in its place. */
  async #write(records: readonly Uint8Array[]): Promise<void> {
    if (this.#appendedCount + records.length > this.#limits.appendedMax) {
      await this.#store.replace(encodeSnapshot(this.#state));
      this.#appendedCount = 0;
    } else {
      await this.#store.append(joined(records));
      this.#appendedCount += records.length;
    }
  }
}

/** Reads a store into an empty state, and counts the records that were appended. */
async function restore(store: ReplayStore, state: ReplayState, limits: ReplayLimits): Promise<number> {
  const { snapshot, appended } = await store.load();
  if (snapshot !== undefined && !restoreSnapshot(snapshot, state, limits)) throw corrupt('its snapshot');
  let count = 0;
  for (const batch of appended) {
    const sightings = decodeSightings(batch);
    if (sightings === undefined) throw corrupt('what was appended to it');
    for (const sighting of sightings) state.remember(sighting);
    count += sightings.length;
  }
  return count;
}

function emptyBatch(): Batch {
  let settle: Batch['settle'] = () => undefined;
  const durable = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error));
  });
  return { records: [], durable, settle };
}

function joined(records: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(records.length * replayRecordBytes);
  records.forEach((record, index) => bytes.set(record, index * replayRecordBytes));
  return bytes;
}

/** A guard with a wrong window would be no guard: this is the caller's fault. */
function assertLimits({ windowSize, sendersMax, ...rest }: ReplayGuardLimits): void {
  const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  if (!isWhole(windowSize) || windowSize === 0 || windowSize % 32 !== 0)
    throw new RangeError('windowSize is a positive multiple of 32');
  if (!isWhole(sendersMax) || sendersMax === 0 || sendersMax > sendersLimit)
    throw new RangeError(`sendersMax is a whole number from 1 to ${sendersLimit}`);
  if (!Object.values(rest).every(isWhole)) throw new RangeError('limits are whole numbers');
}

function storeFailure(cause: unknown): IdentityError {
  return new IdentityError('replay-store', 'the store of the replay guard failed: open the guard anew', {
    cause,
  });
}

function corrupt(what: string): IdentityError {
  return new IdentityError(
    'replay-corrupt',
    `the store of the replay guard is damaged: ${what} is not what a guard wrote. It was left as it is; whoever starts ` +
      'with an empty one accepts again what was accepted before',
  );
}
