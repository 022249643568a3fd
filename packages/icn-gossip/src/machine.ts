/**
 * A protocol without IO: what happened goes in, orders for the world come out.
 *
 * The driver's contract:
 * 1. Call `handle` with each event and the time it happened. Times are milliseconds and never go back.
 * 2. Carry out the returned effects in order. Feed what comes of them back in as events.
 * 3. Keep one timer for `wakeAtMs`, read again after each `handle`; when it is due, handle `{type: 'woke'}`.
 *
 * `handle` is synchronous and total: whatever a peer sent, it returns effects and does not throw. It reads no
 * clock and draws no randomness of its own, so equal inputs give equal outputs: production, the simulator and
 * a replayed trace drive the very same code.
 */
export interface Machine<Event, Effect> {
  /** When the machine next wants a `woke` event, in the time of `handle`; undefined while it waits for nothing. */
  readonly wakeAtMs: number | undefined;
  handle(event: Event, nowMs: number): readonly Effect[];
}
