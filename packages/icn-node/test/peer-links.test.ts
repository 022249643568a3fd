import { generateKeyPair } from '@icn/identity';
import type { CloseReason, Connection, Stream } from '@icn/net';
import { describe, expect, it } from '@jest/globals';
import { PeerLinks } from '../src/peer-links.js';

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

describe('PeerLinks', () => {
  it('drops and counts what a peer is too slow for; memory stays bounded', () => {
    const links = new PeerLinks(1 << 20, () => undefined);
    const slow = new StalledConnection();
    links.add(slow);
    const frame = new Uint8Array(100_000);
    for (let count = 0; count < 100; count++) links.send([slow.remote], frame, 'control');
    expect(links.counters).toEqual({
      'control-queue-full': 100 - Math.floor((4 << 20) / 100_000),
      'bulk-queue-full': 0,
    });
  });

  it('has a queue for each lane, so that a big sync does not cost an announcement', () => {
    const links = new PeerLinks(1 << 20, () => undefined);
    const slow = new StalledConnection();
    links.add(slow);
    for (let count = 0; count < 100; count++) links.send([slow.remote], new Uint8Array(100_000), 'bulk');
    links.send([slow.remote], new Uint8Array(10), 'control');
    expect(links.counters['bulk-queue-full']).toBeGreaterThan(0);
    expect(links.counters['control-queue-full']).toBe(0);
  });

  it('sends nothing to a peer that is down', () => {
    const links = new PeerLinks(1 << 20, () => undefined);
    const peer = new StalledConnection();
    links.add(peer);
    links.delete(peer.remote);
    links.send([peer.remote], new Uint8Array(10), 'control');
    expect(links.counters).toEqual({ 'control-queue-full': 0, 'bulk-queue-full': 0 });
  });
});
