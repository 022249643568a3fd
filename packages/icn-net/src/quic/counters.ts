import { CLOSE_CODES, type CloseCode } from '../protocol.js';

/** What the adapter drops, refuses or gives up, by name; the meaning of each is in the package's README. */
const dropNames = [
  'datagram-malformed',
  'connection-unknown',
  'connection-closed',
  'version-unsupported',
  'initial-malformed',
  'initial-undecryptable',
  'handshake-cap',
  'handshake-source-cap',
  'handshake-failed',
  'handshake-timeout',
  'packet-refused',
  'send-failed',
] as const;

export type QuicDrop = (typeof dropNames)[number];
/** Peers refused by us, and peers that refused us, before a connection was handed over: by close code. */
export type QuicRefusal = `refused-${CloseCode}` | `refused-by-peer-${CloseCode}`;
export type QuicCounters = Record<QuicDrop | QuicRefusal, number>;

/** All counters, at 0. */
export function createQuicCounters(): QuicCounters {
  const codes = Object.keys(CLOSE_CODES) as CloseCode[];
  const refusals = codes.flatMap((code): QuicRefusal[] => [`refused-${code}`, `refused-by-peer-${code}`]);
  return Object.fromEntries([...dropNames, ...refusals].map((name) => [name, 0])) as QuicCounters;
}
