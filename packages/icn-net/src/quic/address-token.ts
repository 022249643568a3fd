import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { HostPort } from './native.js';
import { connectionIdBytesMax, initialDestinationBytesMin } from './packet-header.js';

const timeBytes = 6;
const macBytes = 16;

/** What a token says besides where it is good. */
interface Claims {
  /** The destination id of the first datagram, which the peer is reminded of in the handshake (RFC 9000 §7.3). */
  readonly originalId: Buffer;
  /** The id that we asked the peer to use from then on. */
  readonly retryId: Buffer;
  /** On a clock of this process. */
  readonly createdAtMs: number;
}

/**
 * Tokens of Retry packets (RFC 9000 §8.1.2, §8.1.4): who shows one has received it at the address that it is bound to, a short time
 * ago. Nothing is kept for a token; a key that is drawn for the process authenticates it.
 *
 *     token = created at, whole ms (6 bytes) ‖ original id (8…20) ‖ first 16 bytes of HMAC-SHA-256
 */
export class AddressTokens {
  readonly #key = randomBytes(32);
  readonly #lifetimeMs: number;

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  create(to: HostPort, claims: Claims): Buffer {
    const time = Buffer.alloc(timeBytes);
    time.writeUIntBE(Math.floor(claims.createdAtMs), 0, timeBytes);
    return Buffer.concat([time, claims.originalId, this.#mac(to, time, claims.originalId, claims.retryId)]);
  }

  /** The original id in a token that is ours, young, and shown from where it was sent, under the id it was sent with. Total. */
  open(token: Buffer, from: HostPort, retryId: Buffer, nowMs: number): Buffer | undefined {
    const idBytes = token.length - timeBytes - macBytes;
    if (idBytes < initialDestinationBytesMin || idBytes > connectionIdBytesMax) return undefined;
    const time = token.subarray(0, timeBytes);
    const originalId = token.subarray(timeBytes, timeBytes + idBytes);
    const mac = this.#mac(from, time, originalId, retryId);
    if (!timingSafeEqual(mac, token.subarray(timeBytes + idBytes))) return undefined;
    // A copy: the datagram is decrypted in place.
    return nowMs - time.readUIntBE(0, timeBytes) > this.#lifetimeMs ? undefined : Buffer.from(originalId);
  }

  #mac({ host, port }: HostPort, time: Buffer, originalId: Buffer, retryId: Buffer): Buffer {
    const lengths = Uint8Array.of(originalId.length, retryId.length);
    const mac = createHmac('sha256', this.#key)
      .update(time)
      .update(lengths)
      .update(originalId)
      .update(retryId);
    return mac.update(`${host} ${port}`).digest().subarray(0, macBytes);
  }
}
