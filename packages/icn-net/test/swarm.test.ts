import { generateKeyPair, type KeyPair } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import { createMemoryTransport, MemoryNetwork, type Address } from '../src/index.js';
import { inVirtualTime, isUp, party, until } from './party.js';

/** Two key pairs, the one with the smaller DID first. */
function twoKeyPairs(): [KeyPair, KeyPair] {
  const [a, b] = [generateKeyPair(), generateKeyPair()];
  return a.did < b.did ? [a, b] : [b, a];
}

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
      expect(a.transport.counters).toMatchObject({ 'refused-own-did': 1 });
      await Promise.all([a.swarm.close(), pass(100)]);
    }));
});
