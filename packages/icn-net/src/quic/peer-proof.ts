import type { Did } from '@icn/identity';
import { didFromCertificate } from '../certificate.js';
import { ALPN, PREFACE, PREFACE_STREAM, type CloseCode } from '../protocol.js';
import type { NativeConnection } from './native.js';

export interface Proven {
  readonly did: Did;
}

export interface Refused {
  readonly code: CloseCode;
  readonly text: string;
}

/** Who we are, whom we want, and who else has a say. */
export interface Expectation {
  readonly own: Did;
  readonly expect: Did | undefined;
  /** The last word of this node about a proven peer: a close code to refuse it. */
  readonly admit: (did: Did) => CloseCode | undefined;
}

/** Judges the peer of an established connection by its certificates, of which TLS has proven possession of the first one's key. */
export function judgePeer(native: NativeConnection, expectation: Expectation): Proven | Refused {
  // TLS refuses a client that offers other protocols, and lets through one that offers none (RFC 7301 §3.2).
  if (Buffer.from(native.applicationProto()).toString() !== ALPN) {
    return { code: 'protocol-error', text: `the peer does not speak ${ALPN}` };
  }
  const chain = native.peerCertChain();
  const [certificate] = chain ?? [];
  if (chain === null || certificate === undefined) return { code: 'peer-unproven', text: 'no certificate' };
  if (chain.length > 1) return { code: 'peer-unproven', text: 'more than one certificate' };
  const did = didFromCertificate(certificate);
  if (did === undefined) {
    return { code: 'peer-unproven', text: 'not a self-signed certificate of a valid Ed25519 key' };
  }
  if (did === expectation.own) return { code: 'own-did', text: 'both sides have the same DID' };
  if (expectation.expect !== undefined && did !== expectation.expect) {
    return { code: 'peer-mismatch', text: `expected ${expectation.expect}` };
  }
  const code = expectation.admit(did);
  return code === undefined ? { did } : { code, text: '' };
}

/** The exchange of prefaces on one connection: each side says that it accepts the other. */
export class PrefaceExchange {
  readonly #native: NativeConnection;
  readonly #ownStream: number;
  readonly #peerStream: number;
  readonly #received: number[] = [];

  constructor(native: NativeConnection, role: 'client' | 'server') {
    this.#native = native;
    this.#ownStream = PREFACE_STREAM[role];
    this.#peerStream = PREFACE_STREAM[role === 'client' ? 'server' : 'client'];
  }

  send(): void {
    this.#native.streamSend(this.#ownStream, PREFACE, true);
  }

  /** What the peer has said so far. */
  receive(): 'waiting' | 'accepted' | 'violated' {
    const room = new Uint8Array(PREFACE.length + 1);
    try {
      while (this.#native.streamReadable(this.#peerStream)) {
        const [length, ended] = this.#native.streamRecv(this.#peerStream, room) ?? [0, false];
        this.#received.push(...room.subarray(0, length));
        if (this.#received.length > PREFACE.length) return 'violated';
        if (ended) return this.#isPreface() ? 'accepted' : 'violated';
      }
    } catch {
      return 'violated';
    }
    return 'waiting';
  }

  #isPreface(): boolean {
    return this.#received.length === PREFACE.length && PREFACE.every((byte, i) => byte === this.#received[i]);
  }
}
