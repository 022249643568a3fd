import { createRefusalCounters, type RefusalCounters } from '../refusals.js';

/** What the adapter drops or gives up besides refusals, by name; the meaning of each is in the package's README. */
const dropNames = [
  'handshake-cap',
  'handshake-source-cap',
  'handshake-source-budget',
  'frame-refused',
] as const;

export type MuxDrop = (typeof dropNames)[number];
export type MuxCounters = Record<MuxDrop, number> & RefusalCounters;

/** All counters, at 0. */
export function createMuxCounters(): MuxCounters {
  const drops = Object.fromEntries(dropNames.map((name) => [name, 0])) as Record<MuxDrop, number>;
  return { ...drops, ...createRefusalCounters() };
}
