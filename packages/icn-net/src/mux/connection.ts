import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import type { Did } from '@icn/identity';
import type { Address } from '../address.js';
import { connectionClosed, handshakeTimeout, ownReason } from '../close-reason.js';
import { NetError } from '../errors.js';
import type { HostPort } from '../host-addresses.js';
import { LazyTimer } from '../lazy-timer.js';
import { judgeDid, type Expectation } from '../peer-proof.js';
import type { Carried } from './carrier.js';
import type { CloseReason } from '../protocol.js';
import type { Connection, ConnectionStats, Stream, StreamOptions } from '../transport.js';
import type { MuxCounters } from './counters.js';
import { decodeClose, decodeHello, encodeClose, encodeHello, frameTypes } from './frame.js';
import { FrameOutput } from './frame-output.js';
import { FrameParser, type FrameSink } from './frame-parser.js';
import type { MuxLimits } from './limits.js';
import { Mux } from './mux.js';
import { PingClock } from './ping-clock.js';

export interface MuxConnectionOptions {
  readonly scheme: string;
  readonly carried: Carried;
  readonly role: 'client' | 'server';
  readonly remote: HostPort;
  readonly expectation: Expectation;
  readonly limits: MuxLimits;
  readonly counters: MuxCounters;
  /** Until when both sides must have accepted each other, on the clock of `performance.now()`. */
  readonly handshakeDeadlineMs: number;
  /** Called once, when both sides have accepted each other. */
  readonly onProven: () => void;
  /** Called once, when it is over, before or after `onProven`. */
  readonly onEnded: (reason: CloseReason) => void;
}

/** `proving` (the peer has not accepted us yet) → `open` → `over`; `over` from anywhere. */
type Phase = 'proving' | 'open' | 'over';

/** How long a closing socket may take to hand over the last words, and its peer to hang up. Guess, as over QUIC. */
const lingerMaxMs = 1000;

/**
 * One connection between two nodes over a byte stream: judges the peer, exchanges hellos with it, and gives frames to the
 * multiplexer.
 *
 * Invariants:
 * 1. Nobody above gets it, and no frame but hello and close is taken, before `open` (I14).
 * 2. Once `over`, what the peer sends is thrown away, and the socket is gone within `lingerMaxMs`.
 */
export class MuxConnection implements Connection, FrameSink {
  readonly direction: 'inbound' | 'outbound';
  readonly closed: Promise<CloseReason>;
  /** Resolves when the socket is gone. */
  readonly released: Promise<void>;
  readonly #options: MuxConnectionOptions;
  readonly #socket: Duplex;
  readonly #output: FrameOutput;
  readonly #parser = new FrameParser(this);
  readonly #timer = new LazyTimer(() => this.#onTimer());
  readonly #said: Promise<void>;
  #resolveClosed: (reason: CloseReason) => void = () => {};
  #phase: Phase = 'proving';
  #did: Did | undefined;
  #mux: Mux | undefined;
  #isScheduled = false;
  #heardAtMs = performance.now();
  #heardBytes = 0;
  #askedAtMs = -Infinity;
  readonly #pings = new PingClock();
  #pingDue = false;
  #pongDue: Uint8Array | undefined;

  constructor(options: MuxConnectionOptions) {
    const { role, limits } = options;
    const { socket } = options.carried;
    this.#options = options;
    this.#socket = socket;
    this.direction = role === 'server' ? 'inbound' : 'outbound';
    this.#output = new FrameOutput(socket, limits.outputBytesMax, () => this.#turn());
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.released = new Promise((resolve) => {
      if (socket.closed) resolve();
      else socket.once('close', () => resolve());
    });
    this.#said = new Promise((resolve) => socket.once('finish', resolve).once('close', resolve));
  }

  /** Judges the peer and tells it; to be called once. */
  start(): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => this.#onBytes(chunk));
    socket.on('end', () => this.#lost('the peer hung up without a word'));
    socket.on('close', () => {
      this.#lost('the byte stream is gone');
      this.#timer.clear();
    });
    socket.on('error', (error: Error) => this.#lost(error.message));
    this.#timer.set(this.#options.handshakeDeadlineMs);
    if (socket.destroyed) return this.#lost('the byte stream is gone');
    const { carried, expectation } = this.#options;
    const verdict = typeof carried.peer === 'string' ? judgeDid(carried.peer, expectation) : carried.peer;
    if ('code' in verdict) return this.#end({ ...verdict, by: 'us' });
    this.#did = verdict.did;
    const { streamWindowBytes, connectionWindowBytes, peerStreamsMax } = this.#options.limits;
    const hello = encodeHello({ streamWindowBytes, connectionWindowBytes, placeCount: peerStreamsMax });
    this.#output.append(frameTypes.hello, 0, hello);
    this.#output.flush();
  }

  get remote(): Did {
    if (this.#did === undefined) throw new TypeError('the peer is not proven yet');
    return this.#did;
  }

  /** Of an inbound connection only the host: the port that it comes from is not one to dial. */
  get remoteAddress(): Address {
    const { host, port } = this.#options.remote;
    return {
      scheme: this.#options.scheme,
      host,
      port: this.direction === 'inbound' ? 0 : port,
      did: this.remote,
    };
  }

  async openStream(options?: StreamOptions): Promise<Stream> {
    return this.#openMux().open(options);
  }

  streams(): AsyncIterable<Stream> {
    return this.#openMux().incoming;
  }

  stats(): ConnectionStats {
    const { flushedBytes: bytesSent } = this.#output;
    return { bytesSent, bytesReceived: this.#heardBytes, roundTripMs: this.#pings.roundTripMs };
  }

  close(reason?: Partial<CloseReason>): Promise<void> {
    this.#end(ownReason(reason));
    return this.#said;
  }

  onFrame(...[type, stream, payload]: Parameters<FrameSink['onFrame']>): string | undefined {
    if (this.#phase === 'over') return undefined;
    if (type === frameTypes.close) {
      this.#over(decodeClose(payload));
      this.#socket.destroy();
      return undefined;
    }
    if (this.#phase === 'proving') return this.#onHello(type, payload);
    if (type === frameTypes.ping) {
      // Only the newest is answered: whoever asks faster than it reads makes nothing grow here.
      this.#pongDue = new Uint8Array(payload);
      this.#schedule();
      return undefined;
    }
    if (type === frameTypes.pong) {
      this.#pings.answered(payload, performance.now());
      return undefined;
    }
    if (type === frameTypes.hello) return 'a second hello';
    return this.#openMux().onFrame(type, stream, payload);
  }

  onData(stream: number, bytes: Buffer): string | undefined {
    if (this.#phase === 'over') return undefined;
    if (this.#phase === 'proving') return 'not the hello of icn-mux/1';
    return this.#openMux().onData(stream, bytes);
  }

  #onHello(type: number, payload: Buffer): string | undefined {
    const peer = type === frameTypes.hello ? decodeHello(payload) : undefined;
    if (peer === undefined) return 'not the hello of icn-mux/1';
    const { role, limits } = this.#options;
    this.#mux = new Mux({
      role,
      limits,
      peer,
      output: this.#output,
      roundTripMs: () => this.#pings.roundTripMs,
      schedule: () => this.#schedule(),
    });
    this.#phase = 'open';
    // The first round trip is known before the first long silence.
    this.#pingDue = true;
    this.#askedAtMs = performance.now();
    this.#timer.set(this.#askedAtMs + limits.keepAliveMs);
    this.#schedule();
    this.#options.onProven();
    return undefined;
  }

  #openMux(): Mux {
    if (this.#mux === undefined) throw new NetError('connection-closed', 'the connection was never open');
    return this.#mux;
  }

  #onBytes(chunk: Buffer): void {
    if (this.#phase === 'over') return;
    this.#heardBytes += chunk.length;
    this.#heardAtMs = performance.now();
    const violation = this.#parser.push(chunk);
    if (violation === undefined) return;
    if (this.#phase === 'open') this.#options.counters['frame-refused'] += 1;
    this.#end({ code: 'protocol-error', by: 'us', text: violation });
  }

  /** Asks for a turn at the end of this round of the event loop. */
  #schedule(): void {
    if (this.#isScheduled || this.#phase === 'over') return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#phase !== 'open') return;
    if (this.#pongDue !== undefined && this.#output.roomBytes >= this.#pongDue.length) {
      this.#output.append(frameTypes.pong, 0, this.#pongDue);
      this.#pongDue = undefined;
    }
    if (this.#pingDue && this.#output.roomBytes >= PingClock.payloadBytes) {
      this.#output.append(frameTypes.ping, 0, this.#pings.next(performance.now()));
      this.#pingDue = false;
    }
    this.#mux?.fill();
    this.#output.flush();
  }

  #onTimer(): void {
    const nowMs = performance.now();
    if (this.#phase === 'over') return void this.#socket.destroy();
    // TLS came to its end, so the peer was there.
    if (this.#phase === 'proving') return this.#end(handshakeTimeout(true));
    const { idleTimeoutMs, keepAliveMs } = this.#options.limits;
    if (nowMs >= this.#heardAtMs + idleTimeoutMs) {
      this.#over({ code: 'timeout', by: 'network', text: 'nothing heard any more' });
      return void this.#socket.destroy();
    }
    // Busy or not: a round trip that was measured once may be that of a busy moment, or of another way.
    if (nowMs >= this.#askedAtMs + keepAliveMs) {
      this.#askedAtMs = nowMs;
      this.#pingDue = true;
      this.#turn();
    }
    this.#timer.set(Math.min(this.#askedAtMs + keepAliveMs, this.#heardAtMs + idleTimeoutMs));
  }

  /** Ends it from this side: tells the peer, and hangs up when that is sent. */
  #end(reason: CloseReason): void {
    if (this.#phase === 'over') return;
    this.#output.append(frameTypes.close, 0, encodeClose(reason));
    this.#output.flush();
    this.#over(reason);
    // What the peer still sends is read and thrown away: hanging up on unread bytes makes TCP take back the last words.
    this.#socket.end();
    this.#timer.set(performance.now() + lingerMaxMs);
  }

  /** The other side, or the way there, is gone. */
  #lost(text: string): void {
    this.#over({ code: 'unknown', by: 'network', text });
    this.#socket.destroy();
  }

  #over(reason: CloseReason): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#mux?.fail(connectionClosed(reason));
    this.#options.onEnded(reason);
    this.#resolveClosed(reason);
  }
}
