import { randomBytes } from 'node:crypto';
import type { KeyPair } from '@icn/identity';
import { createConfig, ticketKeyBytes } from './config.js';
import type { QuicLimits } from './limits.js';
import { LinkMtu } from './link-mtu.js';
import type { NativeConfig, NativeQuic } from './native.js';

/** One quiche configuration for each size of datagram that links of this machine carry. */
export class PathConfigs {
  readonly #quic: NativeQuic;
  readonly #keyPair: KeyPair;
  readonly #limits: QuicLimits;
  readonly #linkMtu = new LinkMtu();
  readonly #ticketKey = randomBytes(ticketKeyBytes);
  /** As many as there are MTUs among the interfaces. */
  readonly #bySize = new Map<number, NativeConfig>();

  constructor(quic: NativeQuic, keyPair: KeyPair, limits: QuicLimits) {
    this.#quic = quic;
    this.#keyPair = keyPair;
    this.#limits = limits;
  }

  /** The largest UDP payload that a path to the host may carry. */
  readonly ceilingBytesTo = (host: string): number =>
    Math.min(this.#linkMtu.payloadBytesTo(host), this.#limits.datagramBytesMax);

  to(host: string): NativeConfig {
    const ceilingBytes = this.ceilingBytesTo(host);
    const known = this.#bySize.get(ceilingBytes);
    if (known !== undefined) return known;
    const parameters = { datagramBytesMax: ceilingBytes, ticketKey: this.#ticketKey };
    const created = createConfig(this.#quic, this.#keyPair, this.#limits, parameters);
    this.#bySize.set(ceilingBytes, created);
    return created;
  }
}
