import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createServer as createTlsServer, type SecureContextOptions, type TLSSocket } from 'node:tls';
import type { HandshakeAdmission, HandshakePlace } from '../admission.js';
import { handshakeTimeout } from '../close-reason.js';
import type { HostPort } from '../host-addresses.js';
import { listenFailure } from '../listen-failure.js';
import { refusalOf, type Refusal } from '../refusals.js';
import type { ListenOptions } from '../transport.js';
import type { TlsCounters } from './counters.js';
import { peerIsJudgedLater } from './handshake.js';

export interface AcceptorOptions {
  readonly context: SecureContextOptions;
  readonly admission: HandshakeAdmission;
  readonly handshakeTimeoutMs: number;
  readonly counters: TlsCounters;
  /** The TLS handshake with a stranger is over; `handshake` goes on until its place is left. */
  readonly onSecure: (socket: TLSSocket, handshake: InboundHandshake) => void;
}

/** A stranger who has a place among the handshakes. */
export interface InboundHandshake {
  readonly remote: HostPort;
  /** When it must be over, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  readonly place: HandshakePlace;
}

interface Waiting extends InboundHandshake {
  readonly raw: Socket;
  readonly timer: NodeJS.Timeout;
}

/**
 * One listening TCP socket: admits strangers before a byte of TLS is read, and sees each through its handshake or out at
 * the deadline. Whatever arrives ends in `onSecure` or a counter.
 */
export class TlsAcceptor {
  readonly local: HostPort;
  readonly #options: AcceptorOptions;
  readonly #tcp: Server;
  readonly #tls: ReturnType<typeof createTlsServer>;
  /** By the addresses of both ends, which no two sockets share. */
  readonly #waiting = new Map<string, Waiting>();
  #closed: Promise<void> | undefined;

  private constructor(tcp: Server, options: AcceptorOptions) {
    const { address, port } = tcp.address() as AddressInfo;
    this.local = { host: address, port };
    this.#options = options;
    this.#tcp = tcp;
    // Listens nowhere itself: sockets are given to it once they are admitted.
    this.#tls = createTlsServer({ ...options.context, ...peerIsJudgedLater });
    this.#tls.on('secureConnection', (socket) => this.#onSecure(socket));
    this.#tls.on('tlsClientError', (error, socket) => {
      this.#drop(keyOf(socket), failureOf(error));
      socket.destroy();
    });
    tcp.on('connection', (raw) => this.#onConnection(raw));
    // A connection that could not be accepted, for want of file descriptors for example, is one that its peer tries again.
    tcp.on('error', () => (options.counters['handshake-failed'] += 1));
  }

  /** Binds a socket. Throws NetError `address-in-use` or `address-unavailable`. */
  static async listen(at: ListenOptions, options: AcceptorOptions): Promise<TlsAcceptor> {
    const tcp = createTcpServer({ noDelay: true });
    try {
      tcp.listen(at);
      await once(tcp, 'listening');
    } catch (cause) {
      throw listenFailure('TCP', at, cause);
    }
    return new TlsAcceptor(tcp, options);
  }

  /** Stops accepting, and sends those away whose TLS handshake is not over. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      // Resolves later than the port is free where accepted sockets live on; they are for others to close.
      this.#tcp.close();
      for (const { raw } of this.#waiting.values()) raw.destroy();
      resolve();
    });
    return this.#closed;
  }

  #onConnection(raw: Socket): void {
    const { remoteAddress, remotePort } = raw;
    raw.on('error', () => undefined);
    // Gone before it was looked at.
    if (remoteAddress === undefined || remotePort === undefined) return void raw.destroy();
    const { admission, counters, handshakeTimeoutMs } = this.#options;
    const place = admission.admit(remoteAddress);
    if (typeof place === 'string') {
      counters[place] += 1;
      return void raw.destroy();
    }
    const onDeadline = (): void => this.#drop(key, refusalOf(handshakeTimeout(raw.bytesRead > 0)));
    const key = keyOf(raw);
    this.#waiting.set(key, {
      raw,
      remote: { host: remoteAddress, port: remotePort },
      deadlineMs: performance.now() + handshakeTimeoutMs,
      timer: setTimeout(onDeadline, handshakeTimeoutMs),
      place,
    });
    place.onDisplaced = () => this.#drop(key, 'handshake-displaced');
    raw.once('close', () => this.#drop(key, 'handshake-failed'));
    this.#tls.emit('connection', raw);
  }

  #onSecure(socket: TLSSocket): void {
    const key = keyOf(socket);
    const waiting = this.#waiting.get(key);
    // Reset by the peer in this moment: it has no address any more, and the close of its socket is to come.
    if (waiting === undefined) return void socket.on('error', () => undefined).destroy();
    this.#waiting.delete(key);
    clearTimeout(waiting.timer);
    this.#options.onSecure(socket, waiting);
  }

  #drop(key: string, why: Refusal): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    this.#waiting.delete(key);
    clearTimeout(waiting.timer);
    waiting.place.leave();
    this.#options.counters[why] += 1;
    waiting.raw.destroy();
  }
}

/** What OpenSSL made of the peer; `handshake-failed` for all that has no name of its own. */
function failureOf(error: Error & { code?: string }): Refusal {
  return error.code === 'ERR_SSL_NO_APPLICATION_PROTOCOL' ? 'alpn-mismatch' : 'handshake-failed';
}

function keyOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
