import { performance } from 'node:perf_hooks';
import type { Did } from '@icn/identity';
import type { Address } from '../address.js';
import { closeNumber, encodeCloseText, handshakeTimeout, ownReason } from '../close-reason.js';
import { messageOf } from '../errors.js';
import type { CloseReason } from '../protocol.js';
import type { Connection, ConnectionStats, Stream, StreamOptions } from '../transport.js';
import { connectionStats } from './connection-stats.js';
import { endOf, endedByTls } from './connection-end.js';
import { ConnectionIds } from './connection-ids.js';
import type { QuicConnectionOptions } from './connection-options.js';
import { Farewell } from './farewell.js';
import { FrameQueue } from './frame-queue.js';
import { Hearing } from './hearing.js';
import { Introduction } from './introduction.js';
import { unmapped } from '../host-addresses.js';
import { LazyTimer } from '../lazy-timer.js';
import type { HostPort, NativeConnection } from './native.js';
import { Path } from './path.js';
import { StreamTable } from './stream-table.js';
import { Turns } from './turns.js';

/** `handshaking` → `proving` (we accepted the peer) → `open` (the peer accepted us) → `over`; `over` from anywhere. */
type Phase = 'handshaking' | 'proving' | 'open' | 'over';

/**
 * The end of a connection that carried too much which was nothing: quiche 0.18 keeps some of that for as long as the connection
 * lives (CVE-2024-1765). The swarm dials again at once.
 */
const renewed: CloseReason = {
  code: 'done',
  by: 'us',
  text: 'much was heard that carried nothing; a new connection begins anew',
};

/** Datagrams in one turn by which much is flowing: then its sender waits for the acknowledgement, and nobody for an answer. Guess. */
const flowingFrom = 8;

const endlessHandshake: CloseReason = {
  code: 'protocol-error',
  by: 'us',
  detail: 'handshake-endless',
  text: 'an endless handshake',
};

/**
 * One QUIC connection: feeds datagrams to quiche, then lets streams go on, sends what quiche has to say and moves the timer;
 * `Turns` says when.
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
  readonly #introduction: Introduction;
  readonly #hearing: Hearing;
  readonly #farewell: Farewell;
  readonly #path: Path;
  readonly #timer = new LazyTimer(() => setImmediate(() => this.#onDeadline()));
  readonly #turns = new Turns({ hear: () => this.#hear(), speak: () => this.#speak() });
  readonly #handshakeDeadlineMs: number;
  #resolveClosed: (reason: CloseReason) => void = () => {};
  #phase: Phase = 'handshaking';
  #processed = false;
  /** Datagrams since this side has spoken. */
  #unansweredCount = 0;
  #refusedBecause = '';

  constructor(options: QuicConnectionOptions) {
    const { native, link, remote, limits, ceilingBytesTo } = options;
    this.#options = options;
    this.#native = native;
    this.role = options.role;
    this.#ids = new ConnectionIds(native, link, options.routes);
    const frames = new FrameQueue(native);
    this.#introduction = new Introduction({
      native,
      frames,
      role: options.role,
      expectation: options.expectation,
      early: {
        question: options.earlyQuestion,
        answer: options.answerEarly,
        onAnswered: () => (options.counters['early-answered'] += 1),
      },
    });
    this.#path = new Path({
      native,
      link,
      frames,
      remote,
      floorBytes: limits.datagramBytes,
      ceilingBytesTo,
      onFrame: (frame) => this.#introduction.received(frame),
    });
    this.#farewell = new Farewell({ native, link, path: this.#path, bytesMax: limits.datagramBytes }, () => {
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
      schedule: () => this.#turns.speakSoon(),
      onViolation: (text) => this.#end({ code: 'protocol-error', by: 'us', text }),
    });
    this.#hearing = new Hearing(limits, this.#streams);
  }

  get direction(): 'inbound' | 'outbound' {
    return this.role === 'server' ? 'inbound' : 'outbound';
  }

  get remote(): Did {
    const { did } = this.#introduction;
    if (did === undefined) throw new TypeError('the peer is not proven yet');
    return did;
  }

  /** Where the peer is now; it moves when the peer's address does. */
  get remoteAddress(): Address {
    const { host, port } = this.#path.remote;
    return { scheme: 'quic', host: unmapped(host), port, did: this.remote };
  }

  /** Whether anything of the peer was of use. */
  get wasHeard(): boolean {
    return this.#processed;
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
      this.#farewell.onDatagram(datagram, from);
      return true;
    }
    this.#hearing.arrived(datagram.length);
    if (this.#phase !== 'open' && this.#hearing.isHandshakeEndless) {
      this.#end(endlessHandshake);
      return true;
    }
    try {
      this.#path.receive(datagram, from);
    } catch (error) {
      if (!this.#processed && !endedByTls(this.#native)) return false;
      this.#options.counters['packet-refused'] += 1;
      this.#refusedBecause = messageOf(error);
    }
    this.#processed = true;
    this.#hearing.heard();
    this.#unansweredCount += 1;
    this.#turns.hearSoon();
    return true;
  }

  /** Says the first words, of a dialler. */
  begin(): void {
    this.#turns.speakSoon();
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

  #hear(): void {
    this.#unlessOver(() => this.#advance());
    if (this.#unansweredCount >= flowingFrom) this.#speak();
    else this.#turns.speakSoon();
  }

  #speak(): void {
    this.#unansweredCount = 0;
    this.#unlessOver(() => {
      this.#flush();
      if (this.#introduction.ask()) this.#flush();
    });
    if (this.#phase === 'over') return;
    if (this.#native.isClosed() || this.#native.isDraining()) return this.#endedByPeer();
    this.#moveTimer();
  }

  #unlessOver(act: () => void): void {
    if (this.#phase === 'over') return;
    try {
      act();
    } catch (error) {
      // quiche throws where a peer leaves no room for the protocol, for example with a stream limit of 0.
      this.#end({ code: 'protocol-error', by: 'us', text: messageOf(error) });
    }
  }

  #advance(): void {
    if (this.#phase === 'handshaking' && this.#native.isEstablished()) this.#judge();
    if (this.#phaseIs('proving')) this.#awaitPreface();
    if (this.#introduction.listensEarly(this.#phaseIs('open'))) this.#path.readFrames();
    if (this.#phaseIs('open')) {
      const nowMs = performance.now();
      this.#ids.replaceRetired();
      this.#keepAlive(nowMs);
      this.#path.turn(nowMs);
      this.#streams.turn();
      if (this.#hearing.isIdleTalk) this.#end(renewed);
    }
  }

  /** A call, so that the compiler does not take an earlier look at the phase for granted. */
  #phaseIs(phase: Phase): boolean {
    return this.#phase === phase;
  }

  #judge(): void {
    const verdict = this.#introduction.judge();
    if ('code' in verdict) return this.#end({ ...verdict, by: 'us' });
    this.#phase = 'proving';
    this.#ids.issue();
  }

  #awaitPreface(): void {
    const heard = this.#introduction.hear();
    if (heard === 'waiting') return;
    if (heard === 'violated')
      return this.#end({ code: 'protocol-error', by: 'us', text: 'not the preface of icn/1' });
    this.#phase = 'open';
    this.#options.onProven();
  }

  #flush(): void {
    if (this.#path.flush()) this.#turns.hearSoon();
  }

  #moveTimer(): void {
    const nowMs = performance.now();
    const timeoutMs = this.#native.timeout();
    // quiche rounds down to whole milliseconds; a timer that is early finds nothing to do.
    const quicheAtMs = timeoutMs === null ? Infinity : nowMs + timeoutMs + 1;
    this.#timer.set(Math.min(quicheAtMs, this.#ownAtMs()));
  }

  #ownAtMs(): number {
    if (this.#phase !== 'open') return this.#handshakeDeadlineMs;
    return Math.min(this.#hearing.keepAliveAtMs, this.#path.wakeAtMs);
  }

  /** Asks a silent peer for a sign of life. */
  #keepAlive(nowMs: number): void {
    if (nowMs < this.#hearing.keepAliveAtMs) return;
    this.#native.sendAckEliciting();
    this.#hearing.asked(nowMs);
  }

  /** A timer has fired, and then what waited in the socket was read: a process that is busy hears late, and that is no loss. */
  #onDeadline(): void {
    if (this.#phase === 'over') return;
    if (this.#phase !== 'open' && performance.now() >= this.#handshakeDeadlineMs) {
      return this.#end(handshakeTimeout(this.#hearing.isInTalk));
    }
    if (this.#native.timeout() === 0) {
      this.#path.onTimeout();
      this.#native.onTimeout();
    }
    this.#hear();
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
    this.#streams.fail(reason);
    this.#timer.clear();
    onEnded(reason);
    this.#resolveClosed(reason);
  }
}
