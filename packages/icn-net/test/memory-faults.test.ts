import { generateKeyPair, type KeyPair } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import { patternBytes } from '../src/conformance/pair.js';
import {
  MemoryNetwork,
  VirtualClock,
  createMemoryTransport,
  seededRandom,
  type CloseReason,
  type Connection,
  type MemoryNetworkOptions,
  type NetError,
  type Stream,
} from '../src/index.js';

const latencyMs = 10;
const [ada, bob, eve] = [generateKeyPair(), generateKeyPair(), generateKeyPair()] as const;

/** A network in virtual time with a latency of 10 ms and an idle timeout of 1,000, and who is on it. */
class World {
  readonly clock = new VirtualClock();
  readonly network: MemoryNetwork;

  constructor(options: MemoryNetworkOptions = {}) {
    this.network = new MemoryNetwork({ clock: this.clock, latencyMs, idleTimeoutMs: 1_000, ...options });
  }

  transport(keyPair: KeyPair, network = this.network) {
    return createMemoryTransport({ keyPair, network });
  }

  /** A connection from `from` to `to`, as both see it. */
  async link(from = ada, to = bob): Promise<{ near: Connection; far: Connection }> {
    const listener = await this.transport(to).listen({ host: to.did.slice(-8).toLowerCase(), port: 0 });
    const dialling = this.transport(from).dial(listener.addresses[0]!);
    await this.clock.advance(4 * latencyMs);
    const near = await dialling;
    const { value: far } = (await listener[Symbol.asyncIterator]().next()) as { value: Connection };
    return { near, far };
  }

  /** A stream that `near` has opened, with what has arrived of it and what it ended with. */
  async stream({ near, far }: { near: Connection; far: Connection }): Promise<Flow> {
    const stream = await near.openStream();
    const flow: Flow = { stream, received: [], error: undefined };
    void (async () => {
      try {
        for await (const each of far.streams()) {
          for (let chunk = await each.read(); chunk !== undefined; chunk = await each.read())
            flow.received.push(Buffer.from(chunk).toString());
        }
      } catch (error) {
        flow.error = error as Error;
      }
    })();
    return flow;
  }
}

interface Flow {
  readonly stream: Stream;
  readonly received: string[];
  error: Error | undefined;
}

/** Why a connection ended, or that it lives. */
function fateOf(connection: Connection): { reason: CloseReason | undefined } {
  const fate: { reason: CloseReason | undefined } = { reason: undefined };
  void connection.closed.then((reason) => (fate.reason = reason));
  return fate;
}

/** How a dial failed. */
const codeOf = (dialling: Promise<Connection>): Promise<string | undefined> =>
  dialling.then(
    () => undefined,
    ({ code }: NetError) => code,
  );

const write = (flow: Flow, text: string) => flow.stream.write(Buffer.from(text));

describe('latency', () => {
  it('passes between a write and its arrival, to the millisecond, and a dial takes two round trips', async () => {
    const world = new World();
    const listener = await world.transport(bob).listen({ host: 'bob', port: 1 });
    const dialling = world.transport(ada).dial(listener.addresses[0]!);
    let isUp = false;
    void dialling.then(() => (isUp = true));
    await world.clock.advance(4 * latencyMs - 1);
    expect(isUp).toBe(false);
    await world.clock.advance(1);
    const near = await dialling;
    const { value: far } = (await listener[Symbol.asyncIterator]().next()) as { value: Connection };
    const flow = await world.stream({ near, far });
    await write(flow, 'x');
    await world.clock.advance(latencyMs - 1);
    expect(flow.received).toEqual([]);
    await world.clock.advance(1);
    expect(flow.received).toEqual(['x']);
  });

  it('may differ by direction', async () => {
    const world = new World({ latencyMs: (from) => (from === ada.did ? 5 : 15) });
    const { near, far } = await world.link();
    const there = await world.stream({ near, far });
    const back = await world.stream({ near: far, far: near });
    await Promise.all([write(there, 'there'), write(back, 'back')]);
    await world.clock.advance(5);
    expect([there.received, back.received]).toEqual([['there'], []]);
    await world.clock.advance(10);
    expect(back.received).toEqual(['back']);
  });

  it('drawn at random keeps the order of a connection, and is the same for the same seed', async () => {
    const arrivalsOf = async (seed: number) => {
      const random = seededRandom(seed);
      const world = new World({ latencyMs: () => 1 + 20 * random() });
      const listener = await world.transport(bob).listen({ host: 'bob', port: 1 });
      const dialling = world.transport(ada).dial(listener.addresses[0]!);
      await world.clock.advance(100);
      const near = await dialling;
      const { value: far } = (await listener[Symbol.asyncIterator]().next()) as { value: Connection };
      const flow = await world.stream({ near, far });
      const counts: number[] = [];
      for (let i = 0; i < 50; i += 1) {
        await write(flow, `${i} `);
        await world.clock.advance(1);
        counts.push(flow.received.length);
      }
      await world.clock.advance(100);
      expect(flow.received).toEqual(Array.from({ length: 50 }, (_, i) => `${i} `));
      return counts;
    };
    const [first, second, other] = [await arrivalsOf(1), await arrivalsOf(1), await arrivalsOf(2)];
    expect(second).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('is joined by what bandwidth costs', async () => {
    const world = new World({ bytesPerSecond: 100_000 });
    const flow = await world.stream(await world.link());
    await flow.stream.write(patternBytes(10_000, 1));
    await write(flow, 'behind it');
    await world.clock.advance(109);
    expect(flow.received).toEqual([]);
    await world.clock.advance(1.5);
    expect(flow.received).toHaveLength(2);
  });
});

describe('a link that is silent', () => {
  it('loses nothing when it heals in time', async () => {
    const world = new World();
    const link = await world.link();
    const fates = [fateOf(link.near), fateOf(link.far)];
    const flow = await world.stream(link);
    await write(flow, 'on the way');
    await world.clock.advance(latencyMs / 2);
    world.network.partition([ada.did], [bob.did]);
    await write(flow, 'into the silence');
    await world.clock.advance(999);
    expect(flow.received).toEqual([]);
    world.network.heal();
    await world.clock.advance(latencyMs);
    expect(flow.received).toEqual(['on the way', 'into the silence']);
    // The silence before counts for nothing.
    world.network.partition([ada.did], [bob.did]);
    await world.clock.advance(999);
    expect(fates.map(({ reason }) => reason)).toEqual([undefined, undefined]);
  });

  it('ends with a timeout at both ends, each by itself', async () => {
    const world = new World();
    const link = await world.link();
    const fates = [fateOf(link.near), fateOf(link.far)];
    const flow = await world.stream(link);
    await write(flow, 'heard');
    await world.clock.advance(latencyMs);
    world.network.silence(ada.did, bob.did);
    world.network.silence(bob.did, ada.did);
    await write(flow, 'x');
    await world.clock.advance(1_000);
    for (const { reason } of fates) expect(reason).toMatchObject({ code: 'timeout', by: 'network' });
    expect(flow.error).toMatchObject({ code: 'connection-closed' });
    expect([world.network.connectionCount, world.clock.dueCount]).toEqual([0, 0]);
    world.network.heal();
    await world.clock.advance(latencyMs);
    expect(flow.received).toEqual(['heard']);
  });

  it('one way: who hears nothing gives up first, the other once that is silent', async () => {
    const world = new World();
    const link = await world.link();
    const [near, far] = [fateOf(link.near), fateOf(link.far)];
    const back = await world.stream({ near: link.far, far: link.near });
    world.network.silence(ada.did, bob.did);
    await write(back, 'still heard');
    await world.clock.advance(999);
    expect(back.received).toEqual(['still heard']);
    await world.clock.advance(1);
    expect([near.reason, far.reason?.code]).toEqual([undefined, 'timeout']);
    await world.clock.advance(1_000);
    expect(near.reason?.code).toBe('timeout');
    expect(world.clock.dueCount).toBe(0);
  });

  it('carries a close when it heals', async () => {
    const world = new World();
    const { near, far } = await world.link();
    const fate = fateOf(far);
    world.network.partition([ada.did], [bob.did]);
    await near.close({ code: 'blocked', text: 'enough' });
    await world.clock.advance(500);
    expect(fate.reason).toBeUndefined();
    world.network.heal();
    await world.clock.advance(latencyMs);
    expect(fate.reason).toEqual({ code: 'blocked', by: 'peer', text: 'enough' });
  });

  it.each([
    [4_900, 'up'],
    [5_000, 'dial-timeout'],
  ])('that heals after %i of 5,000 ms ends a dial with: %s', async (healAfterMs, outcome) => {
    const world = new World({ handshakeTimeoutMs: 5_000 });
    const listener = await world.transport(bob).listen({ host: 'bob', port: 1 });
    world.network.silence(bob.did, ada.did);
    let seen = 'under way';
    void world
      .transport(ada)
      .dial(listener.addresses[0]!)
      .then(
        () => (seen = 'up'),
        ({ code }: NetError) => (seen = code),
      );
    await world.clock.advance(healAfterMs - 1);
    expect(seen).toBe('under way');
    await world.clock.advance(1);
    world.network.heal(bob.did, ada.did);
    await world.clock.advance(4 * latencyMs);
    expect(seen).toBe(outcome);
    expect(world.network.connectionCount).toBe(outcome === 'up' ? 2 : 0);
  });
});

describe('a partition', () => {
  it('is between groups alone, and a new one takes its place', async () => {
    const { network } = new World();
    const pairs = () =>
      [
        [ada, bob],
        [bob, ada],
        [ada, eve],
        [bob, eve],
      ].map(([from, to]) => network.reaches(from!.did, to!.did));
    expect(pairs()).toEqual([true, true, true, true]);
    network.partition([ada.did], [bob.did]);
    expect(pairs()).toEqual([false, false, true, true]);
    network.partition([ada.did, bob.did], [eve.did]);
    expect(pairs()).toEqual([true, true, false, false]);
    network.silence(ada.did, bob.did);
    expect(pairs()).toEqual([false, true, false, false]);
    network.heal(bob.did, ada.did);
    expect(pairs()).toEqual([true, true, false, false]);
    network.heal();
    expect(pairs()).toEqual([true, true, true, true]);
  });

  it('leaves connections inside a group alone', async () => {
    const world = new World();
    const inside = await world.link(ada, bob);
    const across = await world.link(ada, eve);
    world.network.partition([ada.did, bob.did], [eve.did]);
    const fates = [fateOf(inside.near), fateOf(across.near)];
    await world.clock.advance(1_000);
    expect(fates.map(({ reason }) => reason?.code)).toEqual([undefined, 'timeout']);
  });
});

describe('a loss of connection', () => {
  it('cuts one link: both ends know at once, and nobody is found until it heals', async () => {
    const world = new World();
    const { near, far } = await world.link();
    const other = await world.link(eve, ada);
    const fates = [near, far, other.near].map(fateOf);
    world.network.cut(bob.did, ada.did);
    await world.clock.advance(0);
    expect(fates.map(({ reason }) => reason?.code)).toEqual(['timeout', 'timeout', undefined]);
    const dial = () => world.transport(ada).dial({ ...near.remoteAddress });
    const failing = codeOf(dial());
    await world.clock.advance(0);
    expect(await failing).toBe('dial-timeout');
    world.network.heal(ada.did, bob.did);
    const dialling = dial();
    await world.clock.advance(4 * latencyMs);
    expect((await dialling).remote).toBe(bob.did);
  });

  it('ends a dial that is under way', async () => {
    const world = new World();
    for (const [fault, code] of [
      ['lose', 'dial-failed'],
      ['cut', 'dial-timeout'],
    ] as const) {
      for (const afterMs of [5, 15, 25, 35]) {
        const transport = world.transport(bob);
        const listener = await transport.listen({ host: 'bob', port: 1 });
        const dialling = world.transport(ada).dial(listener.addresses[0]!);
        const failing = codeOf(dialling);
        await world.clock.advance(afterMs);
        world.network[fault](ada.did, bob.did);
        await world.clock.advance(0);
        expect(await failing).toBe(code);
        world.network.heal();
        await transport.close();
        await world.clock.advance(latencyMs);
        expect([world.network.connectionCount, world.clock.dueCount]).toEqual([0, 0]);
      }
    }
  });

  it('without a cut lets the next dial through', async () => {
    const world = new World();
    const { near, far } = await world.link();
    const fates = [fateOf(near), fateOf(far)];
    world.network.lose(ada.did, bob.did);
    await world.clock.advance(0);
    for (const { reason } of fates) expect(reason).toMatchObject({ code: 'unknown', by: 'network' });
    expect(world.network.connectionCount).toBe(0);
    expect((await world.link()).near.remote).toBe(bob.did);
  });

  it('by the death of a node is noticed by the others when they have heard nothing for long enough', async () => {
    const world = new World();
    const link = await world.link();
    const [near, far] = [fateOf(link.near), fateOf(link.far)];
    const flow = await world.stream(link);
    await write(flow, 'last words');
    world.network.kill(ada.did);
    await world.clock.advance(999);
    expect([near.reason?.by, far.reason, flow.received]).toEqual(['network', undefined, []]);
    await world.clock.advance(1);
    expect(far.reason?.code).toBe('timeout');
    expect([world.network.connectionCount, world.clock.dueCount]).toEqual([0, 0]);
  });

  it('comes at random by a schedule that a seed repeats, until it is stopped', async () => {
    const lossesOf = async (seed: number) => {
      const world = new World();
      const links = [];
      for (let i = 0; i < 20; i += 1) links.push(await world.link());
      const fates = links.map(({ near }) => fateOf(near));
      const stop = world.network.loseAtRandom({ meanMs: 100, random: seededRandom(seed) });
      await world.clock.advance(1_000);
      stop();
      const lost = fates.flatMap(({ reason }, index) => (reason === undefined ? [] : [index]));
      await world.clock.advance(1_000);
      expect(fates.filter(({ reason }) => reason !== undefined)).toHaveLength(lost.length);
      return lost;
    };
    const [first, second, other] = [await lossesOf(1), await lossesOf(1), await lossesOf(2)];
    expect(first.length).toBeGreaterThan(2);
    expect(first.length).toBeLessThan(20);
    expect(second).toEqual(first);
    expect(other).not.toEqual(first);
  });
});
