import { CLOSE_CODES, type CloseCode, type CloseReason } from './protocol.js';

/** How an attempt to connect ends before anybody gets the connection: by close code, who refused first, or by none. */
export type Refusal =
  'handshake-failed' | 'handshake-timeout' | `refused-${CloseCode}` | `refused-by-peer-${CloseCode}`;

export type RefusalCounters = Record<Refusal, number>;

/** All of them, at 0. */
export function createRefusalCounters(): RefusalCounters {
  const codes = Object.keys(CLOSE_CODES) as CloseCode[];
  const refusals = codes.flatMap((code): Refusal[] => [`refused-${code}`, `refused-by-peer-${code}`]);
  const names: readonly Refusal[] = ['handshake-failed', 'handshake-timeout', ...refusals];
  return Object.fromEntries(names.map((name) => [name, 0])) as RefusalCounters;
}

/** The name under which the end of a connection that nobody got is counted. */
export function refusalOf({ code, by }: CloseReason): Refusal {
  if (code === 'timeout') return 'handshake-timeout';
  if (code === 'unknown' || by === 'network') return 'handshake-failed';
  return by === 'us' ? `refused-${code}` : `refused-by-peer-${code}`;
}
