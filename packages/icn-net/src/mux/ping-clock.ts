/** Measures round trips by pings: each carries its number, and only the answer to the newest counts. */
export class PingClock {
  static readonly payloadBytes = 8;
  #number = 0n;
  #sentAtMs: number | undefined;
  #roundTripMs: number | undefined;

  /** Of the last ping that was answered. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** The payload of a ping that goes out now. */
  next(nowMs: number): Uint8Array {
    this.#number += 1n;
    this.#sentAtMs = nowMs;
    const payload = Buffer.alloc(PingClock.payloadBytes);
    payload.writeBigUInt64BE(this.#number);
    return payload;
  }

  answered(payload: Buffer, nowMs: number): void {
    if (this.#sentAtMs === undefined || payload.readBigUInt64BE() !== this.#number) return;
    this.#roundTripMs = nowMs - this.#sentAtMs;
    this.#sentAtMs = undefined;
  }
}
