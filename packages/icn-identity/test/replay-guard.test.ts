import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import {
  keyPairFromSeed,
  memoryReplayStore,
  publicKeyFromDid,
  replayRecordBytes,
  ReplayGuard,
  type Admission,
  type Did,
  type ReplayGuardLimits,
  type ReplayStore,
  type SignedEnvelope,
} from '../src/index.js';
import type { Sighting } from '../src/replay/replay-state.js';
import { seenEnvelope } from './support/seen-envelope.js';

const senders = Array.from({ length: 8 }, (_, i) => keyPairFromSeed(new Uint8Array(32).fill(i + 1)).did);
const [alice, bob, carol] = senders as [Did, Did, Did];
const nowMs = 1_000_000;

const tight: ReplayGuardLimits = {
  sendersMax: 3,
  windowSize: 32,
  clockAheadMaxMs: 100,
  appendedMax: 5,
  waitingMax: 16,
};

function from(sender: Did, sequence: number, timestampMs = nowMs): SignedEnvelope {
  return seenEnvelope({ sender, sequence, timestampMs });
}

function nameOf({ sender, sequence, timestampMs }: Sighting): string {
  return `${sender} ${sequence} ${timestampMs}`;
}

async function admitAll(guard: ReplayGuard, envelopes: readonly SignedEnvelope[]): Promise<Admission[]> {
  return Promise.all(envelopes.map((envelope) => guard.admit(envelope, nowMs)));
}

describe('a replay guard', () => {
  it('accepts out of order, each once', async () => {
    const guard = await ReplayGuard.open(memoryReplayStore(), tight);
    const sequences = [5, 3, 9, 1, 4, 3, 5, 40, 9, 8];
    expect(
      await admitAll(
        guard,
        sequences.map((sequence) => from(alice, sequence)),
      ),
    ).toEqual([
      ...['accepted', 'accepted', 'accepted', 'accepted', 'accepted', 'repeated', 'repeated'],
      ...['accepted', 'repeated', 'too-old'],
    ]);
  });

  it('is exact at the edge of the window', async () => {
    const guard = await ReplayGuard.open(memoryReplayStore(), tight);
    const edge = [100, 69, 68, 101, 69, 70];
    expect(
      await admitAll(
        guard,
        edge.map((sequence) => from(alice, sequence)),
      ),
    ).toEqual(['accepted', 'accepted', 'too-old', 'accepted', 'too-old', 'accepted']);
  });

  it('keeps senders apart', async () => {
    const guard = await ReplayGuard.open(memoryReplayStore(), tight);
    expect(await admitAll(guard, [from(alice, 1), from(bob, 1), from(alice, 1)])).toEqual([
      'accepted',
      'accepted',
      'repeated',
    ]);
  });

  it('takes nothing but envelopes that were opened, so no sender in another spelling and no sequence 0', async () => {
    const guard = await ReplayGuard.open(memoryReplayStore(), tight);
    const opened = from(alice, 1);
    const forged = [{ ...opened }, { ...opened, sequence: 0 }, { ...opened, sender: `${alice} ` as Did }];
    for (const literal of forged)
      await expect(guard.admit(literal, nowMs)).rejects.toMatchObject({ code: 'envelope-invalid' });
    expect(guard.senderCount).toBe(0);
    // @ts-expect-error: a literal is of another type
    const asked = guard.admit({ sender: alice, sequence: 1, timestampMs: nowMs }, nowMs);
    await expect(asked).rejects.toMatchObject({ code: 'envelope-invalid' });
    expect(await guard.admit(opened, nowMs)).toBe('accepted');
  });

  it('counts to the largest sequence', async () => {
    const guard = await ReplayGuard.open(memoryReplayStore(), tight);
    const top = Number.MAX_SAFE_INTEGER;
    const sequences = [1, top - 40, top, top - 31, top - 32, top];
    expect(
      await admitAll(
        guard,
        sequences.map((sequence) => from(alice, sequence)),
      ),
    ).toEqual(['accepted', 'accepted', 'accepted', 'accepted', 'too-old', 'repeated']);
  });

  it('lets nobody speak from the future, and hears it when that has come', async () => {
    const guard = await ReplayGuard.open(memoryReplayStore(), tight);
    const early = from(alice, 1, nowMs + 101);
    expect(await guard.admit(early, nowMs)).toBe('in-future');
    expect(guard.senderCount).toBe(0);
    expect(await guard.admit(early, nowMs + 1)).toBe('accepted');
  });

  it('accepts exactly what a plain set within the window would', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(
            fc.constantFrom(...senders.slice(0, 3)),
            fc.oneof(fc.integer({ min: 1, max: 90 }), fc.nat()),
          ),
          { maxLength: 80 },
        ),
        async (pairs) => {
          const guard = await ReplayGuard.open(memoryReplayStore(), { ...tight, waitingMax: 100 });
          const seen = new Map<Did, Set<number>>();
          for (const [sender, each] of pairs) {
            const sequence = each + 1;
            const own = seen.get(sender) ?? new Set();
            const isNew = !own.has(sequence) && sequence > Math.max(0, ...own) - tight.windowSize;
            expect((await guard.admit(from(sender, sequence), nowMs)) === 'accepted').toBe(isNew);
            if (isNew) seen.set(sender, own.add(sequence));
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('eviction', () => {
  it('never opens a window again, and says where the floor is', async () => {
    const guard = await ReplayGuard.open(memoryReplayStore(), tight);
    const [, , , dave] = senders as [Did, Did, Did, Did];
    await admitAll(guard, [from(alice, 1, 10), from(alice, 2, 30), from(bob, 1, 20), from(carol, 1, 40)]);
    expect(guard.floorMs).toBe(-1);
    expect(await guard.admit(from(dave, 1, 50), nowMs)).toBe('accepted');
    expect(guard.floorMs).toBe(20); // bob's latest is the smallest
    expect(guard.senderCount).toBe(3);
    expect(await guard.admit(from(bob, 1, 20), nowMs)).toBe('before-floor');
    expect(await guard.admit(from(alice, 3, 15), nowMs)).toBe('accepted'); // alice is remembered still
    expect(await guard.admit(from(bob, 2, 21), nowMs)).toBe('accepted'); // alone the earliest: it goes at once
    expect(guard.floorMs).toBe(21);
    expect(await guard.admit(from(bob, 2, 21), nowMs)).toBe('before-floor');
    expect(await guard.admit(from(bob, 3, 60), nowMs)).toBe('accepted'); // alice goes
    expect(guard.floorMs).toBe(30);
    expect(await guard.admit(from(bob, 1, 20), nowMs)).toBe('before-floor');
    expect(await guard.admit(from(bob, 4, 21), nowMs)).toBe('before-floor');
    expect(await guard.admit(from(bob, 4, 22), nowMs)).toBe('accepted');
    expect(await admitAll(guard, [from(alice, 2, 30), from(alice, 1, 10), from(alice, 3, 15)])).toEqual([
      'before-floor',
      'before-floor',
      'before-floor',
    ]);
  });

  it('cannot be used to shut others out for longer than clocks may differ', async () => {
    const guard = await ReplayGuard.open(memoryReplayStore(), tight);
    for (const sender of senders) await guard.admit(from(sender, 1, nowMs + tight.clockAheadMaxMs), nowMs);
    expect(guard.floorMs).toBeLessThanOrEqual(nowMs + tight.clockAheadMaxMs);
    expect(await guard.admit(from(alice, 2, nowMs + 101), nowMs + 101)).toBe('accepted');
  });
});

describe('what is accepted', () => {
  const sighting = fc
    .record({
      sender: fc.constantFrom(...senders),
      sequence: fc.integer({ min: 1, max: 50 }),
      timestampMs: fc.integer({ min: 0, max: 40 }),
    })
    .map(seenEnvelope);
  const step = fc.oneof(
    { weight: 6, arbitrary: sighting },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
  );

  it('is accepted once, and as if nobody had ever been restarted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 100 }), async (steps) => {
        const store = memoryReplayStore();
        const steady = await ReplayGuard.open(memoryReplayStore(), { ...tight, appendedMax: 1_000 });
        let restarted = await ReplayGuard.open(store, tight);
        const accepted = new Set<string>();
        for (const each of steps) {
          if (each === 'restart') {
            restarted = await ReplayGuard.open(store, tight);
            continue;
          }
          const verdict = await restarted.admit(each, nowMs);
          expect(verdict).toBe(await steady.admit(each, nowMs));
          if (verdict !== 'accepted') continue;
          expect(accepted.has(nameOf(each))).toBe(false);
          accepted.add(nameOf(each));
        }
        expect([restarted.floorMs, restarted.senderCount]).toEqual([steady.floorMs, steady.senderCount]);
        expect(restarted.senderCount).toBeLessThanOrEqual(tight.sendersMax);
      }),
      { numRuns: 60 },
    );
  });

  it('is accepted once whatever the limits of the next guard, and while it waits for the store', async () => {
    const limits = fc.record({
      sendersMax: fc.integer({ min: 1, max: 5 }),
      windowSize: fc.constantFrom(32, 64, 96),
      appendedMax: fc.integer({ min: 0, max: 9 }),
    });
    const batch = fc.array(sighting, { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(limits, fc.array(batch)), { maxLength: 6 }), async (lives) => {
        const store = memoryReplayStore();
        const accepted = new Set<string>();
        for (const [limits, batches] of lives) {
          const guard = await ReplayGuard.open(store, { ...tight, ...limits });
          for (const batch of batches) {
            const verdicts = await admitAll(guard, batch);
            batch.forEach((each, index) => {
              if (verdicts[index] !== 'accepted') return;
              expect(accepted.has(nameOf(each))).toBe(false);
              accepted.add(nameOf(each));
            });
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('a replay guard does not open', () => {
  const recordOfZero = (): Uint8Array => {
    const record = new Uint8Array(replayRecordBytes);
    record.set(publicKeyFromDid(alice));
    return record;
  };
  const broken = (load: ReplayStore['load']): ReplayStore => ({ ...memoryReplayStore(), load });

  it.each<[string, string, ReplayStore]>([
    ['replay-store', 'a store that fails', broken(() => Promise.reject(new Error('no disk')))],
    [
      'replay-corrupt',
      'a snapshot of nobody',
      broken(() => Promise.resolve({ snapshot: new Uint8Array(40), appended: [] })),
    ],
    [
      'replay-corrupt',
      'half a record',
      broken(() => Promise.resolve({ snapshot: undefined, appended: [new Uint8Array(20)] })),
    ],
    [
      'replay-corrupt',
      'a record with sequence 0',
      broken(() => Promise.resolve({ snapshot: undefined, appended: [recordOfZero()] })),
    ],
  ])('as %s: %s', async (code, _, store) => {
    await expect(ReplayGuard.open(store)).rejects.toMatchObject({ code });
  });

  it('without closing its store', async () => {
    let closed = 0;
    const close = () => Promise.resolve(void (closed += 1));
    const snapshot = new Uint8Array(40);
    const load = () => Promise.resolve({ snapshot, appended: [] });
    const store = { ...memoryReplayStore(), load, close };
    await expect(ReplayGuard.open(store)).rejects.toMatchObject({ code: 'replay-corrupt' });
    expect(closed).toBe(1);
  });

  it('on a snapshot with any byte changed', async () => {
    const store = memoryReplayStore();
    const guard = await ReplayGuard.open(store, { ...tight, appendedMax: 0 });
    await admitAll(guard, [from(alice, 1), from(bob, 2)]);
    const { snapshot } = await store.load();
    for (let index = 0; index < snapshot!.length; index += 1) {
      const changed = snapshot!.with(index, snapshot![index]! ^ 1);
      const load = broken(() => Promise.resolve({ snapshot: changed, appended: [] }));
      await expect(ReplayGuard.open(load)).rejects.toMatchObject({ code: 'replay-corrupt' });
    }
  });

  it.each([
    { windowSize: 0 },
    { windowSize: 33 },
    { sendersMax: 0 },
    { sendersMax: 65_537 },
    { appendedMax: -1 },
    { clockAheadMaxMs: Number.NaN },
  ])('with the limits %j', async (limits) => {
    await expect(ReplayGuard.open(memoryReplayStore(), limits)).rejects.toBeInstanceOf(RangeError);
  });
});
