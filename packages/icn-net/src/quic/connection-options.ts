import type { Expectation } from '../peer-proof.js';
import type { CloseReason } from '../protocol.js';
import type { QuicCounters } from './counters.js';
import type { EarlyQuestion } from '../transport.js';
import type { DatagramLink } from './datagram-link.js';
import type { AnswerEarly } from './early-exchange.js';
import type { QuicLimits } from './limits.js';
import type { HostPort, NativeConnection, NativeQuic } from './native.js';

/** What a connection is made of; see `QuicConnection`. */
export interface QuicConnectionOptions {
  readonly quic: NativeQuic;
  readonly native: NativeConnection;
  readonly role: 'client' | 'server';
  readonly remote: HostPort;
  readonly link: DatagramLink;
  /** The connection ids by which the peer's first datagrams come. */
  readonly routes: readonly string[];
  readonly expectation: Expectation;
  readonly limits: QuicLimits;
  /** The largest UDP payload that a path to the host may carry. */
  readonly ceilingBytesTo: (host: string) => number;
  readonly counters: QuicCounters;
  readonly scratch: Uint8Array;
  /** Of a dialler who has a ticket, which `native` was given. */
  readonly earlyQuestion?: EarlyQuestion | undefined;
  /** Of the side that is dialled. */
  readonly answerEarly?: AnswerEarly | undefined;
  /** Called once, when both sides have accepted each other. */
  readonly onProven: () => void;
  /** Called once, when it is over, before or after `onProven`. */
  readonly onEnded: (reason: CloseReason) => void;
  /** Called once, after `onEnded`, when no datagram of it is expected any more. */
  readonly onReleased: () => void;
}
