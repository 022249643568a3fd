import { generateKeyPair } from '@icn/identity';
import type { TrustClass } from '@icn/identity/trust';
import { createMemoryTransport, encodeFrames, MemoryNetwork, type Connection, type Stream } from '@icn/net';
import { describe, expect, it, jest } from '@jest/globals';
import { MessageRates } from '../src/message-rates.js';
import { PeerLinks } from '../src/peer-links.js';

const { did } = generateKeyPair();

describe('the messages of a peer', () => {
  it.each([
    ['isolated', 10],
    ['known', 50],
    ['partner', 100],
    ['federated', 200],
  ] as const)(
    'of class %s are taken at %i a second, after those of a minute at once',
    (trustClass, perSecond) => {
      const rates = new MessageRates(() => trustClass);
      const waits = Array.from({ length: perSecond * 60 + 2 }, () => rates.waitMs(did, 'control', 0));
      expect(waits.findIndex((waitMs) => waitMs > 0)).toBe(perSecond * 60);
      expect(waits.slice(-2)).toEqual([1_000 / perSecond, 2_000 / perSecond]);
      // What waits for bulk does not wait for control, nor another peer for this one.
      expect(rates.waitMs(did, 'bulk', 0)).toBe(0);
      expect(rates.waitMs(generateKeyPair().did, 'control', 0)).toBe(0);
      // Two seconds later there is what two seconds bring, less the two that were taken before their time.
      const later = Array.from({ length: 2 * perSecond }, () => rates.waitMs(did, 'control', 2_000));
      expect(later.filter((waitMs) => waitMs === 0)).toHaveLength(2 * perSecond - 2);
    },
  );

  it('are taken by the new class once it changes', () => {
    let trustClass: TrustClass = 'isolated';
    const rates = new MessageRates(() => trustClass);
    for (let count = 0; count < 601; count++) rates.waitMs(did, 'control', 0);
    expect(rates.waitMs(did, 'control', 0)).toBeGreaterThan(0);
    trustClass = 'known';
    expect(rates.waitMs(did, 'control', 0)).toBe(0);
  });
});

/** A peer that sends, and the links that read from it, in virtual time. */
async function connected(onGossip: () => void) {
  const network = new MemoryNetwork();
  const [near, far] = [0, 1].map(() => createMemoryTransport({ keyPair: generateKeyPair(), network }));
  const listener = await near!.listen({ host: 'here', port: 1 });
  const links = new PeerLinks({
    frameBytesMax: 64,
    classOf: () => 'isolated',
    onGossip,
    onExchange: onGossip,
  });
  const connect = async (): Promise<Stream> => {
    const [there, inbound] = await Promise.all([
      far!.dial(listener.addresses[0]!),
      listener[Symbol.asyncIterator]().next(),
    ]);
    links.add(inbound.value as Connection);
    return there.openStream();
  };
  return { links, connect, close: () => Promise.all([near!.close(), far!.close()]) };
}

async function turnsUntil(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe('links', () => {
  const burst = 600;
  const frames = (count: number) => encodeFrames(Array.from({ length: count }, () => Uint8Array.of(1)));

  it.each([
    ['control', 0],
    ['exchange', 2],
  ])('read what comes too fast on the lane of %s later, all of it, and count it', async (_, lane) => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    try {
      let readCount = 0;
      const { links, connect, close } = await connected(() => (readCount += 1));
      const stream = await connect();
      await stream.write(Uint8Array.of(lane, ...frames(burst + 20)));
      await jest.advanceTimersByTimeAsync(0);
      await turnsUntil(() => links.counters['messages-slowed']! > 0);
      expect(readCount).toBe(burst);
      await jest.advanceTimersByTimeAsync(1_000);
      expect(readCount).toBe(burst + 10);
      await jest.advanceTimersByTimeAsync(1_000);
      expect(readCount).toBe(burst + 20);
      expect(links.counters['messages-slowed']).toBe(20);
      // Nobody waits for a peer that is gone.
      await stream.write(frames(1));
      await turnsUntil(() => links.counters['messages-slowed'] === 21);
      expect(jest.getTimerCount()).toBe(1);
      await close();
      await jest.advanceTimersByTimeAsync(0);
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('remember the rate of a peer that comes again', async () => {
    let readCount = 0;
    const { links, connect, close } = await connected(() => (readCount += 1));
    const first = await connect();
    await first.write(Uint8Array.of(0, ...frames(burst)));
    await turnsUntil(() => readCount === burst);
    const again = await connect();
    await again.write(Uint8Array.of(0, ...frames(20)));
    await turnsUntil(() => links.counters['messages-slowed']! > 0);
    expect(readCount).toBeLessThan(burst + 20);
    await close();
  });
});
