/**
 * What comes out of `pnpm bench net`: a measure is what one pair of processes does, a figure is a number that it gives.
 *
 * @typedef {keyof typeof measures} MeasureName
 * @typedef {keyof typeof figures} FigureName
 * @typedef {import('./contender.mjs').ContenderName} ContenderName
 */

/** Seconds after which a pair of processes without a result has failed; a guess of ten times what the slowest takes. */
export const measures = {
  handshake: { patienceSeconds: 30 },
  'ping-pong': { patienceSeconds: 30 },
  // 64 MiB at the JavaScript layer's 2.5 MB/s are 27 s.
  bulk: { patienceSeconds: 120 },
  messages: { patienceSeconds: 30 },
  'streams-20': { patienceSeconds: 30 },
  'streams-100': { patienceSeconds: 30 },
  connections: { patienceSeconds: 60 },
};

export const measureNames = /** @type {readonly MeasureName[]} */ (Object.keys(measures));

/** `digits`: decimal places. */
export const figures = /** @type {const} */ ({
  handshake: { measure: 'handshake', title: 'handshake, ms', better: 'less', digits: 2 },
  'first-byte': { measure: 'handshake', title: 'first byte back, ms', better: 'less', digits: 2 },
  'ping-pong': { measure: 'ping-pong', title: 'ping-pong 64 B, ms', better: 'less', digits: 3 },
  bulk: { measure: 'bulk', title: 'bulk 64 MiB, MB/s', better: 'more', digits: 1 },
  messages: { measure: 'messages', title: '1 KiB messages/s', better: 'more', digits: 0 },
  'streams-20': { measure: 'streams-20', title: 'streams/s, 20 at once', better: 'more', digits: 0 },
  'streams-100': { measure: 'streams-100', title: 'streams/s, 100 at once', better: 'more', digits: 0 },
  'connections-open': { measure: 'connections', title: '200 connections, ms', better: 'less', digits: 0 },
  'connections-echo': { measure: 'connections', title: 'an echo on each, ms', better: 'less', digits: 0 },
  'connection-memory': { measure: 'connections', title: 'KiB a connection', better: 'less', digits: 0 },
});

export const figureNames = /** @type {readonly FigureName[]} */ (Object.keys(figures));

/**
 * Who is held against whom, and how many times as good it must be by which figure: 2 is twice the rate, or half the
 * time or memory.
 *
 * @type {readonly { of: ContenderName, to: ContenderName, targets: Partial<Record<FigureName, number>> }[]}
 */
export const comparisons = [
  { of: 'quic', to: 'js-layer', targets: { bulk: 10, messages: 10 } },
  // Within 10 % of what the binding can do, in everything that is speed.
  {
    of: 'quic',
    to: 'bare-loop',
    targets: {
      handshake: 0.9,
      'first-byte': 0.9,
      'ping-pong': 0.9,
      bulk: 0.9,
      messages: 0.9,
      'streams-20': 0.9,
      'streams-100': 0.9,
      'connections-open': 0.9,
      'connections-echo': 0.9,
    },
  },
  {
    of: 'quic',
    to: 'libp2p',
    targets: { handshake: 1, 'first-byte': 1, bulk: 1, messages: 1, 'streams-20': 1, 'streams-100': 1 },
  },
  { of: 'tls', to: 'libp2p', targets: { bulk: 1, messages: 1 } },
];
