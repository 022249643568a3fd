import {
  Gossip,
  parseTopic,
  type EntryStore,
  type GossipEffect,
  type GossipEvent,
  type StoreWrite,
} from '@icn/gossip';
import { generateKeyPair, randomBytes, type Did } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import { GossipDriver, type DriverPorts } from '../src/gossip-driver.js';
import { MemoryStore } from '../src/index.js';

const lobby = parseTopic('lobby');

/** A memory store whose writes end when the test says so. */
class SlowStore extends MemoryStore implements EntryStore {
  readonly batches: (readonly StoreWrite[])[] = [];
  readonly #pending: { resolve: () => void; reject: (error: Error) => void }[] = [];

  override async write(writes: readonly StoreWrite[]): Promise<void> {
    this.batches.push(writes);
    await new Promise<void>((resolve, reject) => this.#pending.push({ resolve, reject }));
    await super.write(writes);
  }

  async settle(error?: Error): Promise<void> {
    const { resolve, reject } = this.#pending.shift()!;
    if (error === undefined) resolve();
    else reject(error);
    await new Promise((done) => setImmediate(done));
  }
}

function start(store: EntryStore, payloadBytes = 10) {
  const log: string[] = [];
  const gossip = new Gossip({ keyPair: generateKeyPair(), network: 'test', random: randomBytes });
  const driver = new GossipDriver({
    gossip,
    store,
    send: (to) => log.push(`send to ${to.length}`),
    disconnect: (_, reason) => log.push(`disconnect ${reason}`),
    connect: () => Promise.resolve(false),
    protect: () => undefined,
    release: () => undefined,
    onWithdrawn: ({ position }) => log.push(`withdrawn ${position}`),
    onDelivered: ({ position }) => log.push(`delivered ${position}`),
    onAcknowledged: (ref) => log.push(`acknowledged ${ref}`),
    onRejected: ({ ref, code }) => log.push(`rejected ${ref} ${code}`),
    onStoreFailed: (error) => log.push(`failed ${error.message}`),
  });
  driver.handle({ type: 'joined', topic: lobby, access: { type: 'Public' } });
  const submit = (ref: number) =>
    driver.handle({ type: 'submitted', topic: lobby, payloads: [Buffer.alloc(payloadBytes, ref)], ref });
  return { driver, log, submit };
}

describe('GossipDriver', () => {
  it('acknowledges nothing before it is written, and writes what came meanwhile in one batch', async () => {
    const store = new SlowStore();
    const { driver, log, submit } = start(store);
    for (const ref of [1, 2, 3]) submit(ref);
    expect(log).toEqual([]);
    await store.settle();
    expect(log).toEqual(['delivered 1', 'acknowledged 1']);
    expect(store.batches.map((batch) => batch.filter(({ type }) => type === 'entry').length)).toEqual([1, 2]);
    await store.settle();
    expect(log.slice(2)).toEqual(['delivered 2', 'acknowledged 2', 'delivered 3', 'acknowledged 3']);
    await driver.stop();
  });

  it('finishes and acknowledges what is under way when it stops, and takes nothing more', async () => {
    const store = new SlowStore();
    const { driver, log, submit } = start(store);
    submit(1);
    const stopped = driver.stop();
    submit(2);
    await store.settle();
    await stopped;
    expect(log).toEqual(['delivered 1', 'acknowledged 1']);
    expect(store.batches).toHaveLength(1);
  });

  it('says that the store failed, and acknowledges nothing after that', async () => {
    const store = new SlowStore();
    const { log, submit } = start(store);
    submit(1);
    await store.settle(new Error('disk full'));
    submit(2);
    expect(log).toEqual(['failed disk full']);
    expect(store.batches).toHaveLength(1);
  });

  it('has no room for what peers send while much waits for the disk', async () => {
    const store = new SlowStore();
    const { driver, submit } = start(store, 65_000);
    let hasRoom = false;
    for (let ref = 0; ref < 300; ref++) submit(ref);
    const room = driver.room().then(() => (hasRoom = true));
    await store.settle();
    expect(hasRoom).toBe(false);
    await store.settle();
    await room;
    const stopped = driver.stop();
    await driver.room();
    await stopped;
  });

  /** A driver whose machine orders these effects, and notes what it is told. */
  function driving(effects: readonly GossipEffect[], isReached: boolean) {
    const told: GossipEvent[] = [];
    const calls: string[] = [];
    const machine = {
      wakeAtMs: undefined,
      handle: (event: GossipEvent) => (told.push(event) === 1 ? effects : []),
    };
    const ports = {
      gossip: machine as unknown as Gossip,
      connect: (peer: Did) => {
        calls.push(`connect ${peer}`);
        return Promise.resolve(isReached);
      },
      protect: (peer: Did) => calls.push(`protect ${peer}`),
      release: (peer: Did) => calls.push(`release ${peer}`),
      onWithdrawn: ({ position }: { position: number }) => calls.push(`withdrawn ${position}`),
    };
    return { driver: new GossipDriver(ports as unknown as DriverPorts), told, calls };
  }

  it('tells that a peer could not be reached, and nothing where it was: its connection says so', async () => {
    const peer = generateKeyPair().did;
    for (const isReached of [false, true]) {
      const { driver, told, calls } = driving([{ type: 'connect', peer }], isReached);
      driver.handle({ type: 'twin-met' });
      await new Promise((resolve) => setImmediate(resolve));
      expect(calls).toEqual([`connect ${peer}`]);
      expect(told.slice(1)).toEqual(isReached ? [] : [{ type: 'unreachable', peer }]);
    }
  });

  it('protects and releases each time that it is told to, and passes notices on', () => {
    const peer = generateKeyPair().did;
    const log = { author: peer, lane: 0, from: 1 } as const;
    const { driver, calls } = driving(
      [
        { type: 'protect', peer },
        { type: 'protect', peer },
        { type: 'release', peer },
        { type: 'withdraw', topic: lobby, position: 5, log },
      ],
      true,
    );
    driver.handle({ type: 'twin-met' });
    expect(calls).toEqual([`protect ${peer}`, `protect ${peer}`, `release ${peer}`, 'withdrawn 5']);
  });
});
