import { generateKeyPair } from '@icn/identity';
import {
  createMemoryTransport,
  encodeFrames,
  MemoryNetwork,
  type CloseReason,
  type Connection,
  type Stream,
} from '@icn/net';
import { describe, expect, it } from '@jest/globals';
import { PeerLinks, type PeerLinksOptions } from '../src/peer-links.js';
import { afterTest } from './support/temporary.js';

/** A connection whose peer reads nothing: writes begin and do not end. */
class StalledConnection implements Connection {
  readonly remote = generateKeyPair().did;
  readonly remoteAddress = { scheme: 'test', host: 'nowhere', port: 0 };
  readonly direction = 'outbound';
  readonly closed = new Promise<CloseReason>(() => undefined);
  readonly written: number[] = [];
  closedWith: Partial<CloseReason> | undefined;

  openStream(): Promise<Stream> {
    return Promise.resolve({
      read: () => new Promise<undefined>(() => undefined),
      write: (bytes) => {
        this.written.push(bytes.length);
        // The byte that names the lane still fits.
        return bytes.length === 1 ? Promise.resolve() : new Promise(() => undefined);
      },
      end: () => Promise.resolve(),
      reset: () => undefined,
    });
  }

  async *streams(): AsyncGenerator<Stream> {}

  close(reason: Partial<CloseReason>): Promise<void> {
    this.closedWith = reason;
    return Promise.resolve();
  }
}

/** Both ends of one connection in memory. */
async function connectedPair(): Promise<[Connection, Connection]> {
  const network = new MemoryNetwork();
  const [a, b] = [0, 1].map(() => createMemoryTransport({ keyPair: generateKeyPair(), network }));
  afterTest(() => Promise.all([a!.close(), b!.close()]));
  const listener = await a!.listen({ host: 'a', port: 1 });
  const there = await b!.dial(listener.addresses[0]!);
  const inbound = await listener[Symbol.asyncIterator]().next();
  return [inbound.value as Connection, there];
}

function linksOf(
  onGossip: PeerLinksOptions['onGossip'] = () => undefined,
  onExchange = () => undefined,
): PeerLinks {
  return new PeerLinks({ frameBytesMax: 1 << 20, classOf: () => 'isolated', onGossip, onExchange });
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe('PeerLinks', () => {
  it('drops and counts what a peer is too slow for; memory stays bounded', () => {
    const links = linksOf();
    const slow = new StalledConnection();
    links.add(slow);
    const frame = new Uint8Array(100_000);
    for (let count = 0; count < 100; count++) links.send([slow.remote], frame, 'control');
    expect(links.counters).toMatchObject({
      'control-queue-full': 100 - Math.floor((4 << 20) / 100_000),
      'bulk-queue-full': 0,
      'exchange-queue-full': 0,
      'messages-slowed': 0,
    });
  });

  it('counts the bytes of frames that were carried, each way, and none of those that were not', async () => {
    const [here, there] = await connectedPair();
    const [near, far] = [linksOf(), linksOf()];
    near.add(here);
    far.add(there);
    near.send([here.remote], new Uint8Array(10), 'control');
    near.send([here.remote], new Uint8Array(20), 'bulk');
    near.send([here.remote], new Uint8Array(5 << 20), 'bulk');
    await until(() => far.traffic.framesReceived === 2);
    expect(near.traffic).toEqual({ framesSent: 2, framesReceived: 0, bytesSent: 30, bytesReceived: 0 });
    expect(far.traffic).toEqual({ framesSent: 0, framesReceived: 2, bytesSent: 0, bytesReceived: 30 });
  });

  it('has a queue for each lane, so that a big sync does not cost an announcement', () => {
    const links = linksOf();
    const slow = new StalledConnection();
    links.add(slow);
    for (let count = 0; count < 100; count++) links.send([slow.remote], new Uint8Array(100_000), 'bulk');
    links.send([slow.remote], new Uint8Array(10), 'control');
    expect(links.counters['bulk-queue-full']).toBeGreaterThan(0);
    expect(links.counters['control-queue-full']).toBe(0);
  });

  it('sends nothing to a peer that is down', () => {
    const links = linksOf();
    const peer = new StalledConnection();
    links.add(peer);
    links.delete(peer.remote);
    links.send([peer.remote], new Uint8Array(10), 'control');
    expect(Object.values(links.counters).every((count) => count === 0)).toBe(true);
  });

  it('reads a stream no further while what came is not taken yet', async () => {
    const [here, there] = await connectedPair();
    const taken: number[] = [];
    let goOn: () => void = () => undefined;
    const links = linksOf((_, frame) => {
      taken.push(frame[0]!);
      return new Promise((resolve) => (goOn = resolve));
    });
    links.add(here);
    const control = await there.openStream();
    await control.write(Uint8Array.of(0, ...encodeFrames([Uint8Array.of(1), Uint8Array.of(2)])));
    await until(() => taken.length === 1);
    goOn();
    await until(() => taken.length === 2);
  });

  it('closes the link of a peer that opens one lane twice: a frame may grow to its limit on each stream', async () => {
    const [here, there] = await connectedPair();
    const links = linksOf();
    links.add(here);
    for (let count = 0; count < 2; count++) await (await there.openStream()).write(Uint8Array.of(1));
    expect(await there.closed).toMatchObject({ code: 'protocol-error', text: 'a second stream of one lane' });
    expect(links.counters).toMatchObject({ 'lane-duplicate': 1, 'lane-unknown': 0 });
  });
});
