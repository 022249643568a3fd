/**
 * What `pnpm bench net` asks of everybody it compares: to listen in one process, to dial from another, and streams.
 *
 * @typedef {object} Contender
 * @property {boolean} provesBothSides Whether a dial that is over says that both sides have accepted each other.
 * @property {(serve: (stream: BenchStream) => void) => Promise<unknown>} listen Serves each stream that a peer opens;
 *   gives the address, as something that JSON can carry.
 * @property {(address: unknown) => Promise<() => Promise<BenchConnection>>} dialler Makes the local end once; gives what
 *   dials a fresh connection each time.
 */

/**
 * @typedef {object} BenchConnection
 * @property {() => Promise<BenchStream>} openStream Waits where the peer allows no more streams.
 * @property {() => Promise<unknown>} close
 */

/**
 * As in `@icn/net`: one read and one write at a time, `undefined` after the peer's end. Bytes that were written do not
 * change afterwards.
 *
 * @typedef {object} BenchStream
 * @property {() => Promise<Uint8Array | undefined>} read
 * @property {(bytes: Uint8Array) => Promise<void>} write
 * @property {() => Promise<void>} end
 */

/** @typedef {keyof typeof contenders} ContenderName */

/** Each is loaded only in the processes that measure it, so that none carries the code of another in its memory. */
const contenders = {
  quic: async () => (await import('./icn-transport.mjs')).quic,
  'bare-loop': async () => (await import('./bare-loop.mjs')).bareLoop,
  'js-layer': async () => (await import('./js-layer.mjs')).jsLayer,
  tls: async () => (await import('./icn-transport.mjs')).tls,
  libp2p: async () => (await import('./libp2p.mjs')).libp2p,
};

export const contenderNames = /** @type {readonly ContenderName[]} */ (Object.keys(contenders));

/**
 * @param {ContenderName} name
 * @returns {Promise<Contender>}
 */
export function loadContender(name) {
  return contenders[name]();
}

/** Where everybody listens. */
export const host = '127.0.0.1';
