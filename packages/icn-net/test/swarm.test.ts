import { generateKeyPair, type Did, type KeyPair } from '@icn/identity';
import { describe, expect, it, jest } from '@jest/globals';
import {
  createMemoryTransport,
  MemoryNetwork,
  Swarm,
  type Address,
  type CloseReason,
  type SwarmLimits,
  type Transport,
} from '../src/index.js';
import { DialSlots } from '../src/dial-slots.js';

/** Two key pairs, the one with the smaller DID first. */
function twoKeyPairs(): [KeyPair, KeyPair] {
  const [a, b] = [generateKeyPair(), generateKeyPair()];
  return a.did < b.did ? [a, b] : [b, a];
}

interface Party {
  readonly did: Did;
  readonly swarm: Swarm;
  readonly transport: Transport;
  readonly address: Address;
  readonly log: string[];
  readonly reasons: CloseReason[];
  readonly failures: string[];
}

async function party(
  network: MemoryNetwork,
  keyPair: KeyPair,
  limits: Partial<SwarmLimits> = {},
): Promise<Party> {
  const log: string[] = [];
  const reasons: CloseReason[] = [];
  const failures: string[] = [];
  const transport = createMemoryTransport({ keyPair, network });
  const swarm = new Swarm({
    self: keyPair.did,
    transports: [transport],
    onPeerUp: () => log.push('up'),
    onPeerDown: (_, reason) => {
      log.push('down');
      reasons.push(reason);
    },
    onDialFailed: (_, error) => failures.push(error.message),
    limits: { backoffFirstMs: 2, backoffMaxMs: 8, backoffRecentMaxMs: 4, yieldMs: 2, ...limits },
  });
  const listener = await transport.listen({ host: keyPair.did.slice(-8).toLowerCase(), port: 0 });
  void swarm.serve(listener);
  return { did: keyPair.did, swarm, transport, address: listener.addresses[0]!, log, reasons, failures };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** Runs a test in virtual time; `pass` lets milliseconds go by. */
async function inVirtualTime(run: (pass: (ms: number) => Promise<void>) => Promise<void>): Promise<void> {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
  try {
    await run((ms) => jest.advanceTimersByTimeAsync(ms));
  } finally {
    jest.useRealTimers();
  }
}

const isUp = ({ swarm }: Party) => swarm.connections.length === 1;

describe('Swarm', () => {
  it('connects by a hint from one side, and by hints from both, with one connection in the end', async () => {
    for (let round = 0; round < 20; round++) {
      const network = new MemoryNetwork();
      const [small, large] = twoKeyPairs();
      // Without yielding, both dial at once and their connections cross.
      const [a, b] = [
        await party(network, small, { yieldMs: 0 }),
        await party(network, large, { yieldMs: 0 }),
      ];
      a.swarm.hint(b.address);
      if (round % 2 === 1) b.swarm.hint(a.address);
      await until(() => isUp(a) && isUp(b) && network.connectionCount === 2);
      expect([a.swarm.connections[0]!.direction, b.swarm.connections[0]!.direction].sort()).toEqual([
        'inbound',
        'outbound',
      ]);
      await Promise.all([a.swarm.close(), b.swarm.close()]);
      await until(() => network.connectionCount === 0);
    }
  });

  it('keeps the connection that the smaller DID dialled where two cross', async () => {
    const network = new MemoryNetwork({ latencyMs: 1 });
    const [small, large] = twoKeyPairs();
    const [a, b] = [await party(network, small, { yieldMs: 0 }), await party(network, large, { yieldMs: 0 })];
    a.swarm.hint(b.address);
    b.swarm.hint(a.address);
    await until(() => isUp(a) && isUp(b) && network.connectionCount === 2);
    expect(a.swarm.connections[0]!.direction).toBe('outbound');
    await Promise.all([a.swarm.close(), b.swarm.close()]);
  });

  it('lets a newer connection replace an older one that it did not cross', async () => {
    const network = new MemoryNetwork();
    const [small, large] = twoKeyPairs();
    const a = await party(network, small, { crossingMs: 0 });
    const b = await party(network, large);
    a.swarm.hint(b.address);
    await until(() => isUp(a) && isUp(b));
    // The peer was killed: it knows of no connection, and dials anew under the same DID.
    const again = createMemoryTransport({ keyPair: large, network });
    await again.dial(a.address);
    await until(() => a.log.length === 3);
    expect(a.log).toEqual(['up', 'down', 'up']);
    expect(a.reasons).toMatchObject([{ code: 'duplicate' }]);
    expect(a.swarm.connections[0]!.direction).toBe('inbound');
    await Promise.all([a.swarm.close(), b.swarm.close(), again.close()]);
  });

  it('finds its peer again after a cut, without a new hint', async () => {
    const network = new MemoryNetwork();
    const [small, large] = twoKeyPairs();
    const [a, b] = [await party(network, small), await party(network, large)];
    a.swarm.hint(b.address);
    await until(() => isUp(a) && isUp(b));
    network.cut(small.did, large.did);
    await until(() => !isUp(a) && !isUp(b));
    network.heal(small.did, large.did);
    await until(() => isUp(a) && isUp(b));
    expect(a.reasons).toMatchObject([{ code: 'timeout', by: 'network' }]);
    await Promise.all([a.swarm.close(), b.swarm.close()]);
  });

  it('drops a blocked peer, refuses and counts it, and takes it back when it is unblocked', async () => {
    const network = new MemoryNetwork();
    const [small, large] = twoKeyPairs();
    const [a, b] = [await party(network, small), await party(network, large)];
    b.swarm.hint(a.address, { keep: true });
    await until(() => isUp(a) && isUp(b));
    a.swarm.block(large.did);
    await until(() => (a.swarm.counters['refused-blocked'] ?? 0) >= 3);
    expect(a.swarm.connections).toEqual([]);
    expect(a.swarm.blocked).toEqual([large.did]);
    expect(b.reasons[0]).toMatchObject({ code: 'blocked', by: 'peer' });
    a.swarm.unblock(large.did);
    await until(() => isUp(a) && isUp(b));
    await Promise.all([a.swarm.close(), b.swarm.close()]);
  });

  it('forgets a hint that fails again and again, and never one that is kept, of which it complains once', async () => {
    const network = new MemoryNetwork();
    const { swarm, failures } = await party(network, generateKeyPair(), { hintFailuresMax: 3 });
    const nobody = (port: number): Address => ({
      scheme: 'memory',
      host: 'nobody',
      port,
      did: generateKeyPair().did,
    });
    swarm.hint(nobody(1));
    swarm.hint(nobody(2), { keep: true });
    await until(() => failures.length === 1);
    await until(() => swarm.candidateCount === 1);
    expect(failures).toHaveLength(1);
    await swarm.close();
  });

  it('holds no more candidates and connections than it may', async () => {
    const network = new MemoryNetwork();
    const own = generateKeyPair();
    const a = await party(network, own, { candidatesMax: 4, connectionsMax: 1 });
    for (let port = 1; port <= 100; port++) a.swarm.hint({ scheme: 'memory', host: 'nobody', port });
    expect(a.swarm.candidateCount).toBe(4);
    const [b, c] = [await party(network, generateKeyPair()), await party(network, generateKeyPair())];
    b.swarm.hint(a.address);
    await until(() => isUp(a));
    c.swarm.hint(a.address);
    await until(() => a.swarm.counters['refused-too-many'] === 1);
    expect(a.swarm.connections).toHaveLength(1);
    await Promise.all([a, b, c].map(({ swarm }) => swarm.close()));
  });

  it('takes who answers at an address without a DID for whom that is now, and does not dial it again and again', () =>
    inVirtualTime(async (pass) => {
      const network = new MemoryNetwork();
      const a = await party(network, generateKeyPair(), { crossingMs: 0 });
      const first = createMemoryTransport({ keyPair: generateKeyPair(), network });
      await first.listen({ host: 'server', port: 1 });
      a.swarm.hint({ scheme: 'memory', host: 'server', port: 1 }, { keep: true });
      await pass(100);
      expect(a.log).toEqual(['up']);
      await first.close();
      await pass(100);
      expect(a.log).toEqual(['up', 'down']);
      // The machine behind the address was set up anew, with another identity.
      const second = createMemoryTransport({ keyPair: generateKeyPair(), network });
      await second.listen({ host: 'server', port: 1 });
      await pass(10_000);
      expect(a.log).toEqual(['up', 'down', 'up']);
      await Promise.all([a.swarm.close(), second.close(), pass(100)]);
    }));

  it('tries on to reach a peer that is to be kept after its connection was one too many', async () => {
    const network = new MemoryNetwork();
    const a = await party(network, generateKeyPair(), { connectionsMax: 1 });
    const b = await party(network, generateKeyPair());
    const c = await party(network, generateKeyPair(), { hintFailuresMax: 1, recentMs: 0 });
    a.swarm.hint(b.address, { keep: true });
    await until(() => isUp(a));
    a.swarm.hint(c.address, { keep: true });
    await until(() => (a.swarm.counters['refused-too-many'] ?? 0) > 1);
    a.swarm.block(b.did);
    await until(() => isUp(a) && a.swarm.connections[0]!.remote === c.did);
    await Promise.all([a, b, c].map(({ swarm }) => swarm.close()));
  });

  it('does not let hints crowd out the address that the operator named', async () => {
    const network = new MemoryNetwork();
    const [a, b] = [await party(network, generateKeyPair()), await party(network, generateKeyPair())];
    const rumour = (port: number): Address => ({ ...b.address, host: 'nobody', port });
    network.cut(a.did, b.did);
    a.swarm.hint(b.address, { keep: true });
    for (let port = 1; port <= 20; port++) a.swarm.hint(rumour(port));
    network.heal(a.did, b.did);
    await until(() => isUp(a));
    await Promise.all([a.swarm.close(), b.swarm.close()]);
  });

  it('waits longer and longer for a peer with which it cannot speak', () =>
    inVirtualTime(async (pass) => {
      const network = new MemoryNetwork();
      const a = await party(network, generateKeyPair(), { backoffFirstMs: 10, backoffMaxMs: 60_000 });
      const b = await party(network, generateKeyPair());
      a.swarm.hint(b.address, { keep: true });
      const breakOff = setInterval(() => {
        for (const connection of a.swarm.connections) void connection.close({ code: 'protocol-error' });
      }, 1);
      await pass(1_000);
      clearInterval(breakOff);
      const upCount = a.log.filter((event) => event === 'up').length;
      expect(upCount).toBeGreaterThan(0);
      expect(upCount).toBeLessThan(5);
      await Promise.all([a.swarm.close(), b.swarm.close(), pass(100)]);
    }));

  it('dials what is said to be itself once, and leaves it at that', () =>
    inVirtualTime(async (pass) => {
      const network = new MemoryNetwork();
      const a = await party(network, generateKeyPair());
      a.swarm.hint(a.address, { keep: true });
      await pass(1_000);
      expect(a.swarm.candidateCount).toBe(0);
      expect(a.transport.counters).toEqual({ 'refused-own-did': 1 });
      await Promise.all([a.swarm.close(), pass(100)]);
    }));
});

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
      for (const peer of [b, c]) peer.swarm.hint(a.address);
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
