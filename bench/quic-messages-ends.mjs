/** Both ends of a stream of messages, as each contender does it. */
import { createHmac, randomBytes, randomFillSync, timingSafeEqual } from 'node:crypto';
import { generateKeyPair } from '@icn/identity';
import { FrameAssembler, certificateOf, createQuicTransport } from '@icn/net';

/**
 * @typedef {object} Ends
 * @property {(onMessages: (count: number) => void) => Promise<number>} receive Listens and counts; gives the port.
 * @property {(port: number) => Promise<(message: Uint8Array) => Promise<void>>} send Dials; gives how to write.
 */

export const messageBytes = 1024;
const host = '127.0.0.1';

/** @type {Ends} */
const icn = {
  async receive(onMessages) {
    const listener = await createQuicTransport({ keyPair: generateKeyPair() }).listen({ host, port: 0 });
    void (async () => {
      for await (const connection of listener) {
        for await (const stream of connection.streams()) {
          const countFrames = frameCounter();
          for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read()) {
            onMessages(countFrames(chunk));
          }
        }
      }
    })();
    return listener.addresses[0]?.port ?? 0;
  },
  async send(port) {
    const transport = createQuicTransport({ keyPair: generateKeyPair() });
    const stream = await (await transport.dial({ scheme: 'quic', host, port })).openStream();
    return (message) => stream.write(message);
  },
};

/**
 * The package's own layer, set up as its documentation says.
 *
 * @type {Ends}
 */
const jsLayer = {
  async receive(onMessages) {
    const { QUICServer, events } = await import('@matrixai/quic');
    const crypto = { key: arrayBufferOf(randomBytes(32)), ops: hmac };
    const server = new QUICServer({ crypto, config: layerConfig(), logger: await silence() });
    server.addEventListener(events.EventQUICConnectionStream.name, (/** @type {Event} */ event) => {
      const { detail } = /** @type {InstanceType<typeof events.EventQUICConnectionStream>} */ (event);
      void (async () => {
        const countFrames = frameCounter();
        for await (const chunk of detail.readable) onMessages(countFrames(chunk));
      })();
    });
    await server.start({ host, port: 0 });
    return Number(server.port);
  },
  async send(port) {
    const { QUICClient } = await import('@matrixai/quic');
    const client = await QUICClient.createQUICClient({
      host,
      port,
      localHost: host,
      crypto: { ops: { randomBytes: async (data) => void randomFillSync(Buffer.from(data)) } },
      config: layerConfig(),
      logger: await silence(),
    });
    const writer = client.connection.newStream().writable.getWriter();
    return (message) => writer.write(message);
  },
};

export const ends = { icn, jsLayer };

/** Counts the frames that each chunk completes. */
function frameCounter() {
  const assembler = new FrameAssembler({ frameBytesMax: messageBytes });
  return (/** @type {Uint8Array} */ chunk) => [...assembler.push(chunk)].length;
}

function layerConfig() {
  const { keyPem: key, certPem: cert } = certificateOf(generateKeyPair());
  // Accepts any certificate: its rate is measured, not its judgement.
  const verifyCallback = () => Promise.resolve(undefined);
  return {
    key,
    cert,
    verifyPeer: true,
    verifyCallback,
    applicationProtos: ['icn/1'],
    maxIdleTimeout: 10_000,
  };
}

/** @param {Uint8Array} bytes */
function arrayBufferOf(bytes) {
  return Uint8Array.from(bytes).buffer;
}

/**
 * @param {ArrayBuffer} key
 * @param {ArrayBuffer} data
 */
function mac(key, data) {
  return createHmac('sha256', Buffer.from(key)).update(Buffer.from(data)).digest();
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

async function silence() {
  const { default: Logger, LogLevel } = await import('@matrixai/logger');
  return new Logger('bench', LogLevel.ERROR, []);
}
