/** The JavaScript layer of @matrixai/quic, set up as its documentation says. */
import { createHmac, randomBytes, randomFillSync, timingSafeEqual } from 'node:crypto';
import Logger, { LogLevel } from '@matrixai/logger';
import { generateKeyPair } from '@icn/identity';
import { ALPN, certificateOf, defaultQuicLimits } from '@icn/net';
import { QUICClient, QUICServer, QUICSocket, events } from '@matrixai/quic';
import { host } from './contender.mjs';

/** @typedef {import('./contender.mjs').BenchStream} BenchStream */

const logger = new Logger('bench', LogLevel.ERROR, []);

/** @type {import('./contender.mjs').Contender} */
export const jsLayer = {
  provesBothSides: false,

  async listen(serve) {
    const crypto = { key: arrayBufferOf(randomBytes(32)), ops: hmac };
    const server = new QUICServer({ crypto, config: config(), logger });
    server.addEventListener(events.EventQUICConnectionStream.name, (/** @type {Event} */ event) => {
      const { detail } = /** @type {InstanceType<typeof events.EventQUICConnectionStream>} */ (event);
      serve(streamOf(detail));
    });
    await server.start({ host, port: 0 });
    return Number(server.port);
  },

  async dialler(port) {
    const socket = new QUICSocket({ logger });
    await socket.start({ host, port: 0 });
    const crypto = {
      ops: { randomBytes: async (/** @type {ArrayBuffer} */ data) => void randomFillSync(Buffer.from(data)) },
    };
    return async () => {
      const to = { host, port: Number(port), socket };
      const client = await QUICClient.createQUICClient({ ...to, crypto, config: config(), logger });
      return {
        openStream: () => Promise.resolve(streamOf(client.connection.newStream())),
        close: () => client.destroy({ force: true }),
      };
    };
  },
};

/**
 * @param {Pick<import('@matrixai/quic').QUICStream, 'readable' | 'writable'>} stream
 * @returns {BenchStream}
 */
function streamOf({ readable, writable }) {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  return {
    read: async () => (await reader.read()).value,
    write: (bytes) => writer.write(bytes),
    end: () => writer.close(),
  };
}

/** What has a counterpart among our limits is set to ours; the flow control windows never reach quiche. */
function config() {
  const { keyPem: key, certPem: cert } = certificateOf(generateKeyPair());
  return {
    key,
    cert,
    verifyPeer: true,
    // Accepts any certificate: its rate is measured, not its judgement.
    verifyCallback: () => Promise.resolve(undefined),
    applicationProtos: [ALPN],
    maxIdleTimeout: defaultQuicLimits.idleTimeoutMs,
    maxSendUdpPayloadSize: defaultQuicLimits.datagramBytesMax,
    initialMaxStreamsBidi: defaultQuicLimits.peerStreamsMax,
  };
}

const hmac = {
  /**
   * @param {ArrayBuffer} key
   * @param {ArrayBuffer} data
   */
  sign: (key, data) => Promise.resolve(arrayBufferOf(mac(key, data))),
  /**
   * @param {ArrayBuffer} key
   * @param {ArrayBuffer} data
   * @param {ArrayBuffer} signature
   */
  verify: (key, data, signature) => {
    const expected = mac(key, data);
    const given = Buffer.from(signature);
    return Promise.resolve(given.length === expected.length && timingSafeEqual(given, expected));
  },
};

/**
 * @param {ArrayBuffer} key
 * @param {ArrayBuffer} data
 */
function mac(key, data) {
  return createHmac('sha256', Buffer.from(key)).update(Buffer.from(data)).digest();
}

/** @param {Uint8Array} bytes */
function arrayBufferOf(bytes) {
  return Uint8Array.from(bytes).buffer;
}
