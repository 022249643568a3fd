import {
  CLOSE_CODES,
  CLOSE_DETAILS,
  type CloseCode,
  type CloseDetail,
  type CloseReason,
} from './protocol.js';

/**
 * How an attempt to connect ends before anybody gets the connection: by what exactly was wrong where that is known, else by
 * close code and who refused first, or by none.
 */
export type Refusal =
  | 'handshake-failed'
  | 'handshake-timeout'
  | CloseDetail
  | `refused-${CloseCode}`
  | `refused-by-peer-${CloseCode}`;

export type RefusalCounters = Record<Refusal, number>;

/** All of them, at 0. */
export function createRefusalCounters(): RefusalCounters {
  const codes = Object.keys(CLOSE_CODES) as CloseCode[];
  const refusals = codes.flatMap((code): Refusal[] => [`refused-${code}`, `refused-by-peer-${code}`]);
  const names: readonly Refusal[] = ['handshake-failed', 'handshake-timeout', ...CLOSE_DETAILS, ...refusals];
  return Object.fromEntries(names.map((name) => [name, 0])) as RefusalCounters;
}

/** The name under which the end of a connection that nobody got is counted. */
export function refusalOf({ code, by, detail }: CloseReason): Refusal {
  if (detail !== undefined) return detail;
  if (code === 'timeout') return 'handshake-timeout';
  if (code === 'unknown' || by === 'network') return 'handshake-failed';
  return by === 'us' ? `refused-${code}` : `refused-by-peer-${code}`;
}
