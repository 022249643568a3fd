import { formatAddress, type Address } from './address.js';
import { describeReason } from './close-reason.js';
import { NetError } from './errors.js';
import type { CloseReason } from './protocol.js';
import type { Connection } from './transport.js';

/** RFC 8305 §5: how long one address of a host has before the next one is tried beside it. */
const attemptDelayMs = 250;

/**
 * Dials the addresses of one host, the next one when an attempt fails or is slow, and returns the connection that is
 * first; the others are given up. Throws what the last attempt threw.
 */
export async function raceDials(
  hosts: readonly string[],
  signal: AbortSignal | undefined,
  dial: (host: string, attempt: AbortSignal | undefined) => Promise<Connection>,
): Promise<Connection> {
  const [only] = hosts;
  if (only !== undefined && hosts.length === 1) return dial(only, signal);
  const losers = new AbortController();
  const attemptSignal = signal === undefined ? losers.signal : AbortSignal.any([signal, losers.signal]);
  const attempts: Promise<Connection>[] = [];
  let failure: unknown = new NetError('dial-failed', 'the host has no address');
  let winner: Connection | undefined;
  for (const host of hosts) {
    const attempt = dial(host, attemptSignal);
    // One that is proven at the same moment as the winner is surplus.
    void attempt.then(
      (connection) => {
        if (winner !== undefined && winner !== connection) void connection.close({ code: 'duplicate' });
      },
      () => {},
    );
    attempts.push(attempt);
    try {
      winner = await Promise.race([Promise.any(attempts), delay(attemptDelayMs, host === hosts.at(-1))]);
    } catch (error) {
      failure = error instanceof AggregateError ? error.errors.at(-1) : error;
    }
    if (winner !== undefined || signal?.aborted === true) break;
  }
  losers.abort();
  if (winner !== undefined) return winner;
  throw failure;
}

/** The value of a promise, unless the signal comes first. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(dialAborted(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}

/** What `dial` throws for an aborted signal. */
export function dialAborted(signal: AbortSignal): NetError {
  return new NetError('aborted', 'dial was aborted', { cause: signal.reason });
}

/** Resolves after a while, or never. Keeps no process alive. */
function delay(delayMs: number, never: boolean): Promise<undefined> {
  return new Promise((resolve) => {
    if (!never) setTimeout(() => resolve(undefined), delayMs).unref();
  });
}

/** What `dial` throws for a connection that ended before it was proven; `protocol` is what the way there must let through. */
export function dialFailure(address: Address, reason: CloseReason, protocol: string): NetError {
  const target = formatAddress(address);
  if (reason.by === 'us' && (reason.code === 'peer-unproven' || reason.code === 'peer-mismatch')) {
    return new NetError(reason.code, `refused the peer at ${target}: ${reason.text}`, { reason });
  }
  if (reason.code === 'timeout') {
    const text = `no answer from ${target}: is a node running there, and does ${protocol} get through?`;
    return new NetError('dial-timeout', text, { reason });
  }
  return new NetError('dial-failed', `cannot connect to ${target}: ${describeReason(reason)}`, { reason });
}
