/** libp2p over TCP, Noise and Yamux, at its defaults but for the limits that the measures would run into. */
import { importPeer } from '../peers/import-peer.mjs';
import { host } from './contender.mjs';

/** @typedef {import('./contender.mjs').BenchStream} BenchStream */
/** @typedef {{ subarray(): Uint8Array }} Chunk A Uint8Array or a list of them. */
/** @typedef {AsyncIterable<Chunk> & EventTarget & { send(bytes: Uint8Array): boolean, close(): Promise<void> }} PeerStream */
/** @typedef {{ newStream(protocol: string, limits: object): Promise<PeerStream>, close(): Promise<void> }} PeerConnection */
/**
 * @typedef {object} PeerNode
 * @property {(protocol: string, serve: (stream: PeerStream) => void, limits: object) => Promise<void>} handle
 * @property {(address: unknown, options: { force: boolean }) => Promise<PeerConnection>} dial
 * @property {() => unknown[]} getMultiaddrs
 */

const protocol = '/icn-bench/1';
/** By default 32 inbound and 64 outbound streams of one protocol. */
const streamLimits = { maxInboundStreams: 1024, maxOutboundStreams: 1024 };
/** By default five connections a second of one host, ten that are not done, 300 in all. */
const connectionLimits = {
  inboundConnectionThreshold: Infinity,
  maxIncomingPendingConnections: 1024,
  maxConnections: 1024,
};

/** @type {import('./contender.mjs').Contender} */
export const libp2p = {
  // Noise agrees on the multiplexer too, so a dial is over before the listener has said whether it refuses.
  provesBothSides: false,

  async listen(serve) {
    const node = await createNode([`/ip4/${host}/tcp/0`]);
    await node.handle(protocol, (stream) => serve(streamOf(stream)), streamLimits);
    return String(node.getMultiaddrs()[0]);
  },

  async dialler(address) {
    const node = await createNode([]);
    const { multiaddr } = /** @type {{ multiaddr: (text: string) => unknown }} */ (
      await importPeer('@multiformats/multiaddr')
    );
    const to = multiaddr(String(address));
    return async () => {
      // Without `force` a second dial gives the first connection.
      const connection = await node.dial(to, { force: true });
      return {
        openStream: async () => streamOf(await connection.newStream(protocol, streamLimits)),
        close: () => connection.close(),
      };
    };
  },
};

/**
 * @param {readonly string[]} listen
 * @returns {Promise<PeerNode>}
 */
async function createNode(listen) {
  provideWithResolvers();
  const { createLibp2p } = /** @type {{ createLibp2p: (options: object) => Promise<PeerNode> }} */ (
    await importPeer('libp2p')
  );
  const { tcp } = /** @type {{ tcp: () => unknown }} */ (await importPeer('@libp2p/tcp'));
  const { noise } = /** @type {{ noise: () => unknown }} */ (await importPeer('@libp2p/noise'));
  const { yamux } = /** @type {{ yamux: () => unknown }} */ (await importPeer('@libp2p/yamux'));
  return createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: connectionLimits,
  });
}

/**
 * @param {PeerStream} stream
 * @returns {BenchStream}
 */
function streamOf(stream) {
  const chunks = stream[Symbol.asyncIterator]();
  return {
    read: async () => {
      const next = await chunks.next();
      return next.done === true ? undefined : next.value.subarray();
    },
    write: async (bytes) => {
      // Not `onDrain()`: of libp2p 3.3.11 it waits for the first drain of a stream alone, and what is written grows and grows.
      if (!stream.send(bytes)) await nextOf(stream, 'drain');
    },
    end: () => stream.close(),
  };
}

/**
 * @param {EventTarget} target
 * @param {string} event
 */
function nextOf(target, event) {
  return new Promise((resolve) => target.addEventListener(event, resolve, { once: true }));
}

/** libp2p 3.3.11 needs nothing else of what came after Node 20. */
function provideWithResolvers() {
  const constructor = /** @type {{ withResolvers?: () => unknown }} */ (/** @type {unknown} */ (Promise));
  constructor.withResolvers ??= () => {
    const parts = {};
    const promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
    return { promise, ...parts };
  };
}
