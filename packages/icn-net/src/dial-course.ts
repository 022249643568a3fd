import { performance } from 'node:perf_hooks';
import { formatAddress, type Address } from './address.js';
import { NetError } from './errors.js';
import type { Connection } from './transport.js';

/** What is dialled first where a peer has both, and stays where both answer: only QUIC survives a change of address. */
const schemesByPreference: readonly string[] = ['quic', 'tls'];

/** The place of a scheme in the order of preference; lower is better, those that are not named come last, all alike. */
export function schemeRank(scheme: string): number {
  const rank = schemesByPreference.indexOf(scheme);
  return rank === -1 ? schemesByPreference.length : rank;
}

/** The addresses of a peer by their scheme, the best scheme first, each in the order given. */
export function byScheme(addresses: Iterable<Address>): readonly (readonly Address[])[] {
  const groups = new Map<string, Address[]>();
  for (const address of addresses)
    groups.set(address.scheme, [...(groups.get(address.scheme) ?? []), address]);
  return [...groups].toSorted(([a], [b]) => schemeRank(a) - schemeRank(b)).map(([, ofScheme]) => ofScheme);
}

export interface DialCourse {
  /** The address to try next, the best first; `undefined` where there is none now. Asked again every `stepMs`. */
  readonly next: () => Address | undefined;
  readonly dial: (address: Address, signal: AbortSignal) => Promise<Connection>;
  readonly signal: AbortSignal;
  /** How long the first address is tried alone, and later ones until the next is tried beside them (RFC 8305 §5). */
  readonly headStartMs: number;
  readonly stepMs: number;
  /** When all of them are given up. */
  readonly limitMs: number;
  /** A connection that was proven although another had won. */
  readonly onSurplus: (connection: Connection) => void;
}

export interface CourseResult {
  readonly connection: Connection;
  readonly address: Address;
  /** From the beginning of the attempt that won. */
  readonly tookMs: number;
  /** Addresses tried before it that have said nothing at all. */
  readonly silent: readonly Address[];
}

/** Why all addresses of a course failed: what one of them said, if any did, else the failure of the first. */
export class CourseFailure extends Error {
  readonly address: Address;
  override readonly cause: Error;

  constructor(address: Address, cause: Error) {
    super(`${formatAddress(address)}: ${cause.message}`);
    this.address = address;
    this.cause = cause;
  }
}

interface Attempt {
  readonly address: Address;
  readonly sinceMs: number;
  /** `undefined` while it is under way. */
  error: Error | undefined;
}

/**
 * Dials addresses of one peer in the order of preference, the next one when an attempt fails or its head start is over, and
 * returns the first connection; the other attempts are given up. Throws CourseFailure.
 */
export function runCourse(course: DialCourse): Promise<CourseResult> {
  const { next, dial, signal, headStartMs, stepMs, limitMs, onSurplus } = course;
  const losers = new AbortController();
  const attemptSignal = AbortSignal.any([signal, losers.signal]);
  const attempts: Attempt[] = [];
  return new Promise((resolve, reject) => {
    let isOver = false;
    let timer: NodeJS.Timeout | undefined;
    const limit = limitMs === Infinity ? undefined : setTimeout(() => giveUp(), limitMs);
    const finish = (): void => {
      isOver = true;
      clearTimeout(timer);
      clearTimeout(limit);
    };
    const giveUp = (): void => {
      finish();
      const text = `no answer within ${Math.round(limitMs)} ms`;
      reject(failureOf(attempts, new NetError('dial-timeout', text)));
      losers.abort();
    };
    const advance = (): void => {
      clearTimeout(timer);
      const address = signal.aborted ? undefined : next();
      if (address !== undefined) return begin(address);
      if (attempts.some(({ error }) => error === undefined)) {
        timer = setTimeout(advance, stepMs);
        return;
      }
      finish();
      reject(failureOf(attempts));
    };
    const begin = (address: Address): void => {
      const attempt: Attempt = { address, sinceMs: performance.now(), error: undefined };
      timer = setTimeout(advance, attempts.length === 0 ? headStartMs : stepMs);
      attempts.push(attempt);
      dial(address, attemptSignal).then(
        (connection) => {
          if (isOver) return onSurplus(connection);
          finish();
          const tookMs = performance.now() - attempt.sinceMs;
          resolve({ connection, address, tookMs, silent: silentBefore(attempts, attempt) });
          losers.abort();
        },
        (error: Error) => {
          attempt.error = error;
          if (!isOver) advance();
        },
      );
    };
    advance();
  });
}

function silentBefore(attempts: readonly Attempt[], winner: Attempt): readonly Address[] {
  const isSilent = ({ error }: Attempt): boolean =>
    error === undefined || (error instanceof NetError && error.code === 'dial-timeout');
  const before = attempts.slice(0, attempts.indexOf(winner));
  return before.filter(isSilent).map(({ address }) => address);
}

/** `late` is what is wrong with an attempt that is under way. */
function failureOf(attempts: readonly Attempt[], late?: Error): CourseFailure {
  const isWord = ({ error }: Attempt): boolean =>
    error instanceof NetError && error.reason !== undefined && error.reason.by !== 'network';
  const telling = attempts.find(isWord) ?? attempts[0];
  const error = telling?.error ?? late;
  if (telling === undefined || error === undefined) throw new TypeError('a course without an attempt');
  return new CourseFailure(telling.address, error);
}
