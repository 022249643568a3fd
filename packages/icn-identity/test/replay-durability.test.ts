// When a replay guard speaks, beside when its store has written.

import { describe, expect, it } from '@jest/globals';

import {
  keyPairFromSeed,
  memoryReplayStore,
  ReplayGuard,
  type Did,
  type ReplayStore,
  type SignedEnvelope,
} from '../src/index.js';
import { seenEnvelope } from './support/seen-envelope.js';

const [alice, bob] = [1, 2].map((byte) => keyPairFromSeed(new Uint8Array(32).fill(byte)).did) as [Did, Did];
const nowMs = 1_000_000;
const tight = { windowSize: 32, clockAheadMaxMs: 100, waitingMax: 16 };

function from(sender: Did, sequence: number, timestampMs = nowMs): SignedEnvelope {
  return seenEnvelope({ sender, sequence, timestampMs });
}

describe('durability', () => {
  /** A store whose appends end when the test says so. */
  function heldStore(): ReplayStore & {
    readonly release: (error?: Error) => void;
    readonly batches: Uint8Array[];
  } {
    const batches: Uint8Array[] = [];
    const waiting: ((error?: Error) => void)[] = [];
    return {
      ...memoryReplayStore(),
      batches,
      append: (batch) => {
        batches.push(batch);
        return new Promise((resolve, reject) => {
          waiting.push((error) => (error === undefined ? resolve() : reject(error)));
        });
      },
      release: (error) => waiting.shift()!(error),
    };
  }

  async function turn(): Promise<void> {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  it('comes before acceptance, in one flush for all that wait', async () => {
    const store = heldStore();
    const guard = await ReplayGuard.open(store, tight);
    const verdicts: string[] = [];
    const note = (verdict: string): void => void verdicts.push(verdict);
    const first = guard.admit(from(alice, 1), nowMs).then(note);
    await turn();
    const others = [2, 3, 4].map((sequence) => guard.admit(from(alice, sequence), nowMs).then(note));
    await turn();
    expect([verdicts, store.batches.length]).toEqual([[], 1]);
    store.release();
    await first;
    await turn();
    expect([verdicts, store.batches.length]).toEqual([['accepted'], 2]);
    store.release();
    await Promise.all(others);
    expect(verdicts).toHaveLength(4);
  });

  it('comes before a refusal for what was accepted, too', async () => {
    const store = heldStore();
    const guard = await ReplayGuard.open(store, tight);
    const verdicts: string[] = [];
    const ask = (sequence: number, timestampMs = nowMs): Promise<void> =>
      guard.admit(from(alice, sequence, timestampMs), nowMs).then((verdict) => void verdicts.push(verdict));
    const asked = [ask(100), ask(100), ask(1), ask(101, nowMs + 101)];
    await turn();
    expect([verdicts, store.batches.length]).toEqual([['in-future'], 1]); // which no memory is needed for
    const late = ask(100); // its first is at the store already
    await turn();
    expect(verdicts).toEqual(['in-future']);
    store.release();
    await Promise.all([...asked, late]);
    expect(verdicts.toSorted()).toEqual(['accepted', 'in-future', 'repeated', 'repeated', 'too-old']);
    await ask(100);
    expect([verdicts.at(-1), store.batches.length]).toEqual(['repeated', 1]);
  });

  it('failing, is no reason to refuse: nobody is told that somebody accepted it', async () => {
    const store = heldStore();
    const guard = await ReplayGuard.open(store, tight);
    const together = [1, 1].map((sequence) => guard.admit(from(alice, sequence), nowMs));
    await turn();
    const behind = [1, 2, 2].map((sequence) => guard.admit(from(alice, sequence), nowMs));
    const outcomes = Promise.allSettled([...together, ...behind]);
    await turn();
    store.release(new Error('disk full'));
    const failed = { status: 'rejected', reason: { code: 'replay-store', cause: { message: 'disk full' } } };
    expect(await outcomes).toMatchObject(Array.from({ length: 5 }, () => failed));
  });

  it('is refused to more than may wait, which may come again', async () => {
    const store = heldStore();
    const guard = await ReplayGuard.open(store, { ...tight, waitingMax: 2 });
    const held = [1, 2].map((sequence) => guard.admit(from(alice, sequence), nowMs));
    expect(await guard.admit(from(alice, 3), nowMs)).toBe('busy');
    expect(await guard.admit(from(alice, 1), nowMs)).toBe('busy');
    await turn();
    store.release();
    await Promise.all(held);
    const again = guard.admit(from(alice, 3), nowMs);
    await turn();
    store.release();
    expect(await again).toBe('accepted');
  });

  it('failing, accepts nothing more', async () => {
    const store = heldStore();
    const guard = await ReplayGuard.open(store, tight);
    const first = guard.admit(from(alice, 1), nowMs);
    await turn();
    const second = guard.admit(from(alice, 2), nowMs);
    const outcomes = Promise.allSettled([first, second]);
    store.release(new Error('disk full'));
    const failed = { status: 'rejected', reason: { code: 'replay-store', cause: { message: 'disk full' } } };
    expect(await outcomes).toMatchObject([failed, failed]);
    await expect(guard.admit(from(bob, 1), nowMs)).rejects.toMatchObject({ code: 'replay-store' });
    expect(store.batches).toHaveLength(1);
  });

  it('is waited for by close, after which nothing is admitted', async () => {
    const store = heldStore();
    const guard = await ReplayGuard.open(store, tight);
    const admitted = guard.admit(from(alice, 1), nowMs);
    let isClosed = false;
    const closing = guard.close().then(() => (isClosed = true));
    await turn();
    expect(isClosed).toBe(false);
    store.release();
    expect(await admitted).toBe('accepted');
    await closing;
    await expect(guard.admit(from(alice, 2), nowMs)).rejects.toMatchObject({ code: 'replay-store' });
  });
});
