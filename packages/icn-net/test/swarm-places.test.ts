import { generateKeyPair } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import { DialSlots } from '../src/dial-slots.js';
import { MemoryNetwork } from '../src/index.js';
import { inVirtualTime, isUp, party, until, type Party } from './party.js';

describe('Swarm, asked to reach a peer', () => {
  it('answers that it is reached once it is connected, whoever dialled', async () => {
    const network = new MemoryNetwork();
    const [a, b] = [await party(network, generateKeyPair()), await party(network, generateKeyPair())];
    a.swarm.hint(b.address);
    expect(await a.swarm.reach(b.did)).toBe(true);
    expect(a.log).toEqual(['up']);
    expect(await a.swarm.reach(b.did)).toBe(true);
    await until(() => isUp(b));
    expect(await b.swarm.reach(a.did)).toBe(true);
    expect(b.log).toEqual(['up']);
    await Promise.all([a.swarm.close(), b.swarm.close()]);
  });

  it('answers that it is not where nothing is known of the peer, or it is blocked, or is oneself', async () => {
    const network = new MemoryNetwork();
    const [a, b] = [await party(network, generateKeyPair()), await party(network, generateKeyPair())];
    expect(await a.swarm.reach(b.did)).toBe(false);
    a.swarm.hint(b.address);
    a.swarm.block(b.did);
    expect(await a.swarm.reach(b.did)).toBe(false);
    expect(await a.swarm.reach(a.did)).toBe(false);
    expect(a.log).toEqual([]);
    await Promise.all([a.swarm.close(), b.swarm.close()]);
  });

  it('tries each address that is known at once, and no longer than that', () =>
    inVirtualTime(async (pass) => {
      const network = new MemoryNetwork();
      const slow = { backoffFirstMs: 60_000, backoffMaxMs: 60_000, yieldMs: 60_000 };
      const a = await party(network, generateKeyPair(), slow);
      const b = await party(network, generateKeyPair());
      const { did } = generateKeyPair();
      for (const port of [1, 2, 3]) a.swarm.hint({ scheme: 'memory', host: 'nobody', port, did });
      a.swarm.hint(b.address);
      for (const port of [1, 2, 3]) a.swarm.hint({ ...b.address, host: 'nobody', port });
      const reached = Promise.all([a.swarm.reach(did), a.swarm.reach(b.did), a.swarm.reach(did)]);
      await pass(100);
      expect(await reached).toEqual([false, true, false]);
      await Promise.all([a.swarm.close(), b.swarm.close(), pass(100)]);
    }));

  it('leaves nobody waiting when the peer is blocked meanwhile, or the swarm closes', async () => {
    const network = new MemoryNetwork();
    const a = await party(network, generateKeyPair());
    const dids = [generateKeyPair().did, generateKeyPair().did] as const;
    for (const did of dids) a.swarm.hint({ scheme: 'memory', host: 'nobody', port: 1, did });
    const reached = dids.map((did) => a.swarm.reach(did));
    a.swarm.block(dids[0]);
    expect(await reached[0]).toBe(false);
    await a.swarm.close();
    expect(await reached[1]).toBe(false);
    expect(await a.swarm.reach(dids[1])).toBe(false);
  });
});

describe('a full Swarm', () => {
  /** A swarm with room for two, and others that dial it in this order. */
  async function crowded(count: number) {
    const network = new MemoryNetwork();
    const a = await party(network, generateKeyPair(), { connectionsMax: 2, trialMs: 1_000 });
    const others: Party[] = [];
    for (let index = 0; index < count; index++)
      others.push(
        await party(network, generateKeyPair(), { backoffFirstMs: 600_000, backoffMaxMs: 600_000 }),
      );
    const connected = () => a.swarm.connections.map(({ remote }) => remote);
    const close = () => Promise.all([a, ...others].map(({ swarm }) => swarm.close()));
    return { a, others, connected, close };
  }

  it('gives the place of the newest connection whose trial is over to a newcomer', () =>
    inVirtualTime(async (pass) => {
      const { a, others, connected, close } = await crowded(4);
      const [b, c, d, e] = others as [Party, Party, Party, Party];
      for (const peer of [b, c, d]) {
        peer.swarm.hint(a.address);
        await pass(100);
      }
      // D came while both were on trial.
      expect(connected()).toEqual([b.did, c.did]);
      expect(d.reasons).toMatchObject([{ code: 'too-many', by: 'peer' }]);
      await pass(2_000);
      e.swarm.hint(a.address);
      await pass(100);
      expect(connected()).toEqual([b.did, e.did]);
      expect(c.reasons).toMatchObject([{ code: 'too-many', by: 'peer' }]);
      expect(a.reasons).toMatchObject([{ code: 'too-many', by: 'us' }]);
      await Promise.all([close(), pass(100)]);
    }));

  it('does not take the place of who is protected, until he is released as often, nor of whom the operator named', () =>
    inVirtualTime(async (pass) => {
      const { a, others, connected, close } = await crowded(4);
      const [b, c, d, e] = others as [Party, Party, Party, Party];
      a.swarm.hint(b.address, { keep: true });
      a.swarm.protect(c.did);
      a.swarm.protect(c.did);
      a.swarm.release(c.did);
      await pass(100);
      c.swarm.hint(a.address);
      await pass(2_000);
      d.swarm.hint(a.address);
      await pass(100);
      expect(connected()).toEqual([b.did, c.did]);
      a.swarm.release(c.did);
      e.swarm.hint(a.address);
      await pass(100);
      expect(connected()).toEqual([b.did, e.did]);
      await Promise.all([close(), pass(100)]);
    }));

  it('does not dial what it was only told of, and reaches whom it is asked to', () =>
    inVirtualTime(async (pass) => {
      const { a, others, connected, close } = await crowded(3);
      const [b, c, d] = others as [Party, Party, Party];
      for (const peer of [b, c]) {
        peer.swarm.hint(a.address);
        await pass(100);
      }
      await pass(2_000);
      a.swarm.hint(d.address);
      await pass(60_000);
      expect(connected()).toEqual([b.did, c.did]);
      expect(d.log).toEqual([]);
      const reached = a.swarm.reach(d.did);
      await pass(100);
      expect(await reached).toBe(true);
      expect(connected()).toEqual([b.did, d.did]);
      await Promise.all([close(), pass(100)]);
    }));

  it('is not asked again and again by those that it has no room for', () =>
    inVirtualTime(async (pass) => {
      const network = new MemoryNetwork();
      const a = await party(network, generateKeyPair(), { connectionsMax: 1, trialMs: 1e9 });
      const [b, c] = [
        await party(network, generateKeyPair()),
        await party(network, generateKeyPair(), { backoffMaxMs: 15_000 }),
      ];
      b.swarm.hint(a.address);
      await pass(100);
      c.swarm.hint(a.address, { keep: true });
      await pass(60_000);
      const refusedCount = a.swarm.counters['refused-too-many']!;
      expect(refusedCount).toBeGreaterThan(2);
      expect(refusedCount).toBeLessThan(20);
      await Promise.all([a, b, c].map(({ swarm }) => swarm.close()).concat(pass(100).then(() => undefined)));
    }));
});

describe('a rumour', () => {
  it('is dialled while few are connected, and else when its DID is asked for', () =>
    inVirtualTime(async (pass) => {
      const network = new MemoryNetwork();
      const a = await party(network, generateKeyPair(), { connectionsWanted: 1 });
      const [b, c, d] = [
        await party(network, generateKeyPair()),
        await party(network, generateKeyPair()),
        await party(network, generateKeyPair()),
      ];
      const connected = () => a.swarm.connections.map(({ remote }) => remote);
      a.swarm.hint(b.address, { isRumour: true });
      await pass(100);
      expect(connected()).toEqual([b.did]);
      a.swarm.hint(c.address, { isRumour: true });
      await pass(60_000);
      expect(connected()).toEqual([b.did]);
      expect(a.swarm.sought.map(({ did, failureCount }) => [did, failureCount])).toEqual([[c.did, 0]]);
      // What is heard of in another way too is no rumour any more.
      a.swarm.hint(d.address, { isRumour: true });
      a.swarm.hint(d.address);
      await pass(100);
      expect(connected()).toEqual([b.did, d.did]);
      const reached = a.swarm.reach(c.did);
      await pass(100);
      expect(await reached).toBe(true);
      expect(a.swarm.sought).toEqual([]);
      await Promise.all(
        [a, b, c, d].map(({ swarm }) => swarm.close()).concat(pass(100).then(() => undefined)),
      );
    }));
});

describe('many dials', () => {
  it('run so many at once, those that somebody waits for first', () => {
    const slots = new DialSlots(2);
    const started: string[] = [];
    const take = (name: string, isUrgent = false) => slots.take(() => started.push(name), isUrgent);
    for (const name of ['a', 'b', 'c', 'd']) take(name);
    take('urgent', true);
    expect(started).toEqual(['a', 'b']);
    slots.free();
    expect(started).toEqual(['a', 'b', 'urgent']);
    slots.free();
    slots.free();
    slots.free();
    expect(started).toEqual(['a', 'b', 'urgent', 'c', 'd']);
  });

  it('do not stop when none of them is answered', async () => {
    const network = new MemoryNetwork();
    const a = await party(network, generateKeyPair(), { dialsMax: 2, hintFailuresMax: 1 });
    const b = await party(network, generateKeyPair());
    for (let port = 1; port <= 50; port++) a.swarm.hint({ scheme: 'memory', host: 'nobody', port });
    a.swarm.hint(b.address);
    await until(() => isUp(a) && a.swarm.candidateCount === 1);
    await Promise.all([a.swarm.close(), b.swarm.close()]);
  });
});
