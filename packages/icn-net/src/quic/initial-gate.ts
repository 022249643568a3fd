import { performance } from 'node:perf_hooks';
import type { HandshakeAdmission, HandshakePlace } from '../admission.js';
import { AddressTokens } from './address-token.js';
import type { QuicCounters } from './counters.js';
import type { QuicLimits } from './limits.js';
import type { HostPort, NativeQuic } from './native.js';
import {
  connectionIdBytes,
  initialDatagramBytesMin,
  parseInitialToken,
  quicVersion1,
  type PacketHeader,
} from './packet-header.js';
import { smallRandomBytes } from './random-pool.js';

export interface InitialGateOptions {
  readonly quic: NativeQuic;
  readonly admission: HandshakeAdmission;
  readonly limits: QuicLimits;
  readonly counters: QuicCounters;
}

/** What becomes of the first datagram of a stranger. */
export type InitialVerdict =
  | {
      readonly type: 'admit';
      /** Our connection id. */
      readonly id: Buffer;
      /** The destination id of the datagram that was answered by Retry, where this one answers that. */
      readonly originalId: Buffer | null;
      readonly place: HandshakePlace;
    }
  | { readonly type: 'retry'; readonly answer: Buffer }
  | { readonly type: 'drop' };

const drop: InitialVerdict = { type: 'drop' };

/**
 * Decides who may begin a handshake. Anybody can write any address on a datagram, so strangers who have not shown that they
 * receive at theirs get a share of the places only (`unvalidatedShare`); beyond it they are answered by Retry (RFC 9000
 * §8.1.2), for which nothing is kept. A flood of forged addresses thus takes no place of somebody who answers, and nothing
 * is charged to the address that it forges but that share.
 */
export class InitialGate {
  readonly #options: InitialGateOptions;
  readonly #tokens: AddressTokens;

  constructor(options: InitialGateOptions) {
    this.#options = options;
    // Who comes later than the deadline of a handshake has given up.
    this.#tokens = new AddressTokens(options.limits.handshakeTimeoutMs);
  }

  judge(datagram: Buffer, header: PacketHeader, from: HostPort): InitialVerdict {
    const { admission, limits, counters } = this.#options;
    const token = parseInitialToken(datagram, header);
    if (token === undefined) return this.#drop('initial-malformed');
    const destination = Buffer.from(header.destination, 'latin1');
    const originalId =
      token.length === 0 ? undefined : this.#tokens.open(token, from, destination, performance.now());
    if (originalId === undefined) {
      // RFC 9000 §8.1.3: as if it had none. Who got it by an earlier Retry takes no second, and is told by TLS that something is wrong.
      if (token.length > 0) counters['token-invalid'] += 1;
      if (!admission.hasShare(from.host, limits.unvalidatedShare)) return this.#retry(datagram, header, from);
    }
    const place = admission.admit(from.host);
    if (typeof place === 'string') return this.#drop(place);
    if (originalId === undefined)
      return { type: 'admit', id: smallRandomBytes(connectionIdBytes), originalId: null, place };
    return { type: 'admit', id: destination, originalId, place };
  }

  #retry(datagram: Buffer, header: PacketHeader, from: HostPort): InitialVerdict {
    const source = datagram.subarray(header.sourceStart, header.sourceEnd);
    const originalId = Buffer.from(header.destination, 'latin1');
    const retryId = smallRandomBytes(connectionIdBytes);
    const token = this.#tokens.create(from, { originalId, retryId, createdAtMs: performance.now() });
    // Less than a tenth of what it answers, so no amplification.
    const answer = Buffer.allocUnsafe(initialDatagramBytesMin);
    const length = this.#options.quic.retry(source, originalId, retryId, token, quicVersion1, answer);
    this.#options.counters['retry-sent'] += 1;
    return { type: 'retry', answer: answer.subarray(0, length) };
  }

  #drop(why: keyof QuicCounters): InitialVerdict {
    this.#options.counters[why] += 1;
    return drop;
  }
}
