import { createRefusalCounters, type RefusalCounters } from '../refusals.js';

/** What the adapter drops or gives up besides refusals, by name; the meaning of each is in the package's README. */
const dropNames = [
  'datagram-malformed',
  'connection-unknown',
  'connection-closed',
  'version-unsupported',
  'initial-malformed',
  'initial-undecryptable',
  'token-invalid',
  'retry-sent',
  'handshake-cap',
  'handshake-source-cap',
  'handshake-source-budget',
  'packet-refused',
  'send-failed',
  'early-answered',
] as const;

export type QuicDrop = (typeof dropNames)[number];
export type QuicCounters = Record<QuicDrop, number> & RefusalCounters;

/** All counters, at 0. */
export function createQuicCounters(): QuicCounters {
  const drops = Object.fromEntries(dropNames.map((name) => [name, 0])) as Record<QuicDrop, number>;
  return { ...drops, ...createRefusalCounters() };
}
