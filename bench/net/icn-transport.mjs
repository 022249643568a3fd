/** Our adapters, as a program has them that changes no limit. */
import { generateKeyPair } from '@icn/identity';
import { createQuicTransport, createTlsTransport } from '@icn/net';
import { host } from './contender.mjs';

/** @typedef {import('./contender.mjs').Contender} Contender */
/** @typedef {import('@icn/net').Transport} Transport */
/** @typedef {import('@icn/net').Connection} Connection */

export const quic = contenderOf(() => createQuicTransport({ keyPair: generateKeyPair() }));
export const tls = contenderOf(() => createTlsTransport({ keyPair: generateKeyPair() }));

/**
 * @param {() => Transport} createTransport
 * @returns {Contender}
 */
function contenderOf(createTransport) {
  return {
    provesBothSides: true,

    async listen(serve) {
      const listener = await createTransport().listen({ host, port: 0 });
      void (async () => {
        for await (const connection of listener) void serveStreams(connection, serve);
      })();
      return listener.addresses[0];
    },

    dialler(address) {
      const transport = createTransport();
      // Without the DID no ticket of a connection before is used: every handshake is a whole one.
      const { scheme, host: to, port } = /** @type {import('@icn/net').Address} */ (address);
      return Promise.resolve(() => transport.dial({ scheme, host: to, port }));
    },
  };
}

/**
 * @param {Connection} connection
 * @param {(stream: import('@icn/net').Stream) => void} serve
 */
async function serveStreams(connection, serve) {
  for await (const stream of connection.streams()) serve(stream);
}
