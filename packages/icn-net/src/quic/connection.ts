import { performance } from 'node:perf_hooks';
import type { Did } from '@icn/identity';
import type { Address } from '../address.js';
import { closeNumber, connectionClosed, encodeCloseText, ownReason } from '../close-reason.js';
import { messageOf } from '../errors.js';
import { judgePeer } from '../peer-proof.js';
import { ALPN, type CloseReason } from '../protocol.js';
import type { Connection, ConnectionStats, Stream, StreamOptions } from '../transport.js';
import { connectionStats } from './connection-stats.js';
import { endOf, endedByTls } from './connection-end.js';
import { ConnectionIds } from './connection-ids.js';
import type { QuicConnectionOptions } from './connection-options.js';
import { Farewell } from './farewell.js';
import { unmapped } from '../host-addresses.js';
import { LazyTimer } from '../lazy-timer.js';
import type { HostPort, NativeConnection } from './native.js';
import { PrefaceExchange } from './preface-exchange.js';
import { StreamTable } from './stream-table.js';

/** `handshaking` → `proving` (we accepted the peer) → `open` (the peer accepted us) → `over`; `over` from anywhere. */
type Phase = 'handshaking' | 'proving' | 'open' | 'over';

/** What one turn may send before others get theirs: 64 × 1,350 bytes is about 2 ms of the measured 35 MB/s. */
const datagramsPerTurnMax = 64;

/**
 * One QUIC connection: feeds datagrams to quiche, and once a turn of the event loop lets streams go on, sends what
 * quiche has to say and moves the timer. However much happens in one turn, that is done once.
 *
 * Invariants:
 * 1. Nobody above gets it, and no stream byte is looked at, before `open` (I14).
 * 2. Once `over`, quiche is asked nothing but how long datagrams of the peer may still come, and what it counted.
 */
export class QuicConnection implements Connection {
  readonly role: 'client' | 'server';
  readonly closed: Promise<CloseReason>;
  readonly #options: QuicConnectionOptions;
  readonly #native: NativeConnection;
  readonly #ids: ConnectionIds;
  readonly #streams: StreamTable;
  readonly #preface: PrefaceExchange;
  readonly #farewell: Farewell;
  readonly #timer = new LazyTimer(() => this.#onTimer());
  readonly #handshakeDeadlineMs: number;
  #resolveClosed: (reason: CloseReason) => void = () => {};
  #phase: Phase = 'handshaking';
  #remoteDid: Did | undefined;
  #remote: HostPort;
  #scheduled = false;
  #spare: Buffer | undefined;
  /** When the peer was last heard, or asked for a sign of life. */
  #quietSinceMs = performance.now();
  #receiveInfo: { from: HostPort; to: HostPort };
  #processed = false;
  #refusedBecause = '';

  constructor(options: QuicConnectionOptions) {
    this.#options = options;
    this.#native = options.native;
    this.role = options.role;
    this.#remote = options.remote;
    this.#receiveInfo = { from: options.remote, to: options.link.local };
    this.#ids = new ConnectionIds(options.native, options.link, options.routes);
    this.#preface = new PrefaceExchange(options.native, options.role);
    this.#farewell = new Farewell(options.native, options.link, options.limits.datagramBytesMax, () => {
      this.#ids.clear();
      options.onReleased();
    });
    this.#handshakeDeadlineMs = performance.now() + options.limits.handshakeTimeoutMs;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#streams = new StreamTable({
      quic: options.quic,
      native: options.native,
      role: options.role,
      scratch: options.scratch,
      schedule: () => this.schedule(),
      onViolation: (text) => this.#end({ code: 'protocol-error', by: 'us', text }),
    });
  }

  get direction(): 'inbound' | 'outbound' {
    return this.role === 'server' ? 'inbound' : 'outbound';
  }

  get remote(): Did {
    if (this.#remoteDid === undefined) throw new TypeError('the peer is not proven yet');
    return this.#remoteDid;
  }

  /** Where the peer is now; it moves when the peer's address does. */
  get remoteAddress(): Address {
    return { scheme: 'quic', host: unmapped(this.#remote.host), port: this.#remote.port, did: this.remote };
  }

  get phase(): Phase {
    return this.#phase;
  }

  openStream(options?: StreamOptions): Promise<Stream> {
    return this.#streams.open(options);
  }

  streams(): AsyncIterable<Stream> {
    return this.#streams.incoming;
  }

  stats(): ConnectionStats {
    return connectionStats(this.#native);
  }

  close(reason?: Partial<CloseReason>): Promise<void> {
    this.#end(ownReason(reason));
    return this.#farewell.said;
  }

  /** Takes one datagram of the peer; quiche decrypts it in place. Says false if it was of no use to a new connection. */
  receive(datagram: Buffer, from: HostPort): boolean {
    if (this.#phase === 'over') {
      this.#options.counters['connection-closed'] += 1;
      this.#farewell.onDatagram(datagram, this.#receiveInfo);
      return true;
    }
    const known = this.#receiveInfo.from;
    if (from.port !== known.port || from.host !== known.host) {
      this.#receiveInfo = { from, to: this.#options.link.local };
    }
    try {
      this.#native.recv(datagram, this.#receiveInfo);
    } catch (error) {
      if (!this.#processed && !endedByTls(this.#native)) return false;
      this.#options.counters['packet-refused'] += 1;
      this.#refusedBecause = messageOf(error);
    }
    this.#processed = true;
    this.#quietSinceMs = performance.now();
    this.schedule();
    return true;
  }

  /** Asks for a turn at the end of this round of the event loop. */
  schedule(): void {
    if (this.#scheduled || this.#phase === 'over') return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  /** The socket could not send; before the peer has answered there is nothing else to wait for. */
  onSendFailed(error: Error): void {
    this.#options.counters['send-failed'] += 1;
    if (this.#processed || this.role === 'server' || this.#phase === 'over') return;
    this.#farewell.listen();
    this.#over({ code: 'unknown', by: 'network', text: error.message });
  }

  /** Forgets the connection: what its peer says from now on is for nobody. */
  release(): void {
    this.#phase = 'over';
    this.#timer.clear();
    this.#farewell.release();
  }

  #turn(): void {
    if (this.#phase === 'over') return;
    try {
      this.#advance();
    } catch (error) {
      // quiche throws where a peer leaves no room for the protocol, for example with a stream limit of 0.
      return this.#end({ code: 'protocol-error', by: 'us', text: messageOf(error) });
    }
    if (this.#phaseIs('over')) return;
    if (this.#native.isClosed() || this.#native.isDraining()) return this.#endedByPeer();
    this.#moveTimer();
  }

  #advance(): void {
    if (this.#phase === 'handshaking' && this.#native.isEstablished()) this.#judge();
    if (this.#phaseIs('proving')) this.#awaitPreface();
    if (this.#phaseIs('open')) {
      this.#followPaths();
      this.#keepAlive();
      this.#streams.turn();
    }
    if (!this.#phaseIs('over')) this.#flush();
  }

  /** A call, so that the compiler does not take an earlier look at the phase for granted. */
  #phaseIs(phase: Phase): boolean {
    return this.#phase === phase;
  }

  #judge(): void {
    const presented = {
      protocol: Buffer.from(this.#native.applicationProto()).toString(),
      certificates: this.#native.peerCertChain() ?? [],
    };
    const verdict = judgePeer(presented, ALPN, this.#options.expectation);
    if ('code' in verdict) return this.#end({ ...verdict, by: 'us' });
    this.#remoteDid = verdict.did;
    this.#phase = 'proving';
    this.#preface.send();
    this.#ids.issue();
  }

  #awaitPreface(): void {
    const heard = this.#preface.receive();
    if (heard === 'waiting') return;
    if (heard === 'violated')
      return this.#end({ code: 'protocol-error', by: 'us', text: 'not the preface of icn/1' });
    this.#phase = 'open';
    this.#options.onProven();
  }

  #followPaths(): void {
    this.#ids.replaceRetired();
    for (let event = this.#native.pathEventNext(); event !== null; event = this.#native.pathEventNext()) {
      if (event.type === 'PeerMigrated') this.#remote = this.#receiveInfo.from;
    }
  }

  #flush(): void {
    for (let count = 0; count < datagramsPerTurnMax; count += 1) {
      const datagram = this.#spare ?? Buffer.allocUnsafe(this.#options.limits.datagramBytesMax);
      this.#spare = undefined;
      const sent = this.#native.send(datagram);
      if (sent === null) {
        this.#spare = datagram;
        return;
      }
      this.#options.link.send(datagram.subarray(0, sent[0]), sent[1].to);
    }
    this.schedule();
  }

  #moveTimer(): void {
    const nowMs = performance.now();
    const timeoutMs = this.#native.timeout();
    // quiche rounds down to whole milliseconds; a timer that is early finds nothing to do.
    const quicheAtMs = timeoutMs === null ? Infinity : nowMs + timeoutMs + 1;
    const ownAtMs = this.#phase === 'open' ? this.#keepAliveAtMs() : this.#handshakeDeadlineMs;
    this.#timer.set(Math.min(quicheAtMs, ownAtMs));
  }

  /** Asks a silent peer for a sign of life. */
  #keepAlive(): void {
    const nowMs = performance.now();
    if (nowMs < this.#keepAliveAtMs()) return;
    this.#native.sendAckEliciting();
    this.#quietSinceMs = nowMs;
  }

  #keepAliveAtMs(): number {
    return this.#quietSinceMs + this.#options.limits.keepAliveMs;
  }

  #onTimer(): void {
    const nowMs = performance.now();
    if (this.#phase !== 'open' && nowMs >= this.#handshakeDeadlineMs) {
      return this.#end({ code: 'timeout', by: 'network', text: 'the handshake took too long' });
    }
    this.#native.onTimeout();
    this.#turn();
  }

  /** Ends it from this side: tells the peer, then lets go. */
  #end(reason: CloseReason): void {
    if (this.#phase === 'over') return;
    try {
      // A client that refuses the server still owes it the end of the handshake, without which it cannot read the reason.
      this.#flush();
      this.#native.close(true, closeNumber(reason.code), encodeCloseText(reason.text));
    } catch {
      // Already closing for a reason of quiche's own; the peer hears that one.
    }
    this.#farewell.begin();
    this.#over(reason);
  }

  #endedByPeer(): void {
    this.#farewell.listen();
    this.#over(endOf(this.#native, this.#refusedBecause));
  }

  #over(reason: CloseReason): void {
    const { onEnded } = this.#options;
    this.#phase = 'over';
    this.#streams.fail(connectionClosed(reason));
    this.#timer.clear();
    onEnded(reason);
    this.#resolveClosed(reason);
  }
}
