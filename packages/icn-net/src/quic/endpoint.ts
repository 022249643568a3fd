import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { NetError } from '../errors.js';
import { listenFailure } from '../listen-failure.js';
import type { QuicConnection } from './connection.js';
import type { QuicCounters } from './counters.js';
import type { DatagramLink } from './datagram-link.js';
import type { QuicLimits } from './limits.js';
import type { HostPort, NativeQuic } from './native.js';
import {
  initialDatagramBytesMin,
  initialDestinationBytesMin,
  longHeaderType,
  parsePacketHeader,
  quicVersion1,
  type PacketHeader,
} from './packet-header.js';

/** What an endpoint does with a first datagram of version 1 for a connection that it does not know. */
export type OnInitial = (datagram: Buffer, header: PacketHeader, from: HostPort) => void;

export interface EndpointOptions {
  readonly quic: NativeQuic;
  readonly host: string;
  readonly port: number;
  readonly limits: QuicLimits;
  readonly counters: QuicCounters;
  /** Called once, when the socket is closed. */
  readonly onClosed: (endpoint: QuicEndpoint) => void;
}

/**
 * One UDP socket and the connections on it: routes each datagram by its connection id. Whatever arrives, routing ends
 * in a connection, a counter, or a version negotiation packet; it never throws.
 *
 * It lives as long as somebody listens on it or a connection uses it, then closes itself.
 */
export class QuicEndpoint {
  readonly local: HostPort;
  /** Takes first datagrams while somebody listens here. */
  onInitial: OnInitial | undefined;
  readonly #options: EndpointOptions;
  readonly #socket: Socket;
  readonly #routes = new Map<string, EndpointLink>();
  readonly #links = new Set<EndpointLink>();
  #sendCount = 0;
  #onAllSent: () => void = () => {};
  #closed: Promise<void> | undefined;
  #isSocketClosed = false;

  private constructor(socket: Socket, options: EndpointOptions) {
    const { address, port } = socket.address();
    this.local = { host: address, port };
    this.#socket = socket;
    this.#options = options;
    socket.on('message', (datagram, from) =>
      this.#onDatagram(datagram, { host: from.address, port: from.port }),
    );
    // An error of the socket itself is one of a datagram that could not be received or sent: the loss QUIC is made for.
    socket.on('error', () => (options.counters['send-failed'] += 1));
  }

  /** Binds a socket. Throws NetError `address-in-use` or `address-unavailable`. */
  static async bind(options: EndpointOptions): Promise<QuicEndpoint> {
    const socket = createSocket({
      type: isIPv6(options.host) ? 'udp6' : 'udp4',
      // Only literal addresses come here; the default looks every datagram's address up, a tick later.
      lookup: (host, _options, found) => found(null, host, isIPv6(host) ? 6 : 4),
    });
    try {
      const listening = once(socket, 'listening');
      socket.bind(options.port, options.host);
      await listening;
    } catch (cause) {
      socket.close();
      throw listenFailure('UDP', options, cause);
    }
    growReceiveBuffer(socket, options.limits.receiveBufferBytes);
    return new QuicEndpoint(socket, options);
  }

  get isListening(): boolean {
    return this.onInitial !== undefined;
  }

  /** It takes no more connections. */
  get isClosing(): boolean {
    return this.#closed !== undefined;
  }

  /** A place for one more connection, to whose peer datagrams go out by `zone` if its address is link-local. */
  createLink(zone: string): EndpointLink {
    if (this.#closed !== undefined)
      throw new NetError('connection-closed', 'the socket was closed meanwhile');
    const link = new EndpointLink(this, zone);
    this.#links.add(link);
    this.#socket.ref();
    return link;
  }

  addRoute(key: string, link: EndpointLink): void {
    this.#routes.set(key, link);
  }

  removeRoute(key: string): void {
    this.#routes.delete(key);
  }

  /** Forgets a connection; the last one closes the socket if nobody listens. */
  removeLink(link: EndpointLink): void {
    this.#links.delete(link);
    if (this.#links.size === 0 && this.onInitial === undefined) void this.close();
    else this.unrefIfOver();
  }

  /** Lets the process end although the socket is open: nothing but farewells is left to say here. */
  unrefIfOver(): void {
    if (this.onInitial !== undefined) return;
    for (const { connection } of this.#links) if (connection?.phase !== 'over') return;
    this.#socket.unref();
  }

  /** Takes no new connections. Closes at once if no live connection is left. */
  async stopListening(): Promise<void> {
    this.onInitial = undefined;
    const live = [...this.#links].some(
      (link) => link.connection !== undefined && link.connection.phase !== 'over',
    );
    if (!live) await this.close();
  }

  /** Closes the socket once everything handed to it is sent; connections are released, not told. Idempotent. */
  close(): Promise<void> {
    // One tick later, because closing releases connections, and the last one released closes.
    this.#closed ??= Promise.resolve().then(() => this.#close());
    return this.#closed;
  }

  send(datagram: Buffer, to: HostPort, zone: string, onSent: (error: Error | null) => void): void {
    if (this.#isSocketClosed) return;
    this.#sendCount += 1;
    this.#socket.send(datagram, to.port, zone === '' ? to.host : `${to.host}${zone}`, onSent);
  }

  /** Says one thing to a stranger; it is nobody's loss where it gets lost. */
  answer(datagram: Buffer, to: HostPort): void {
    this.send(datagram, to, '', () => this.onSent());
  }

  onSent(): void {
    this.#sendCount -= 1;
    if (this.#sendCount === 0) this.#onAllSent();
  }

  async #close(): Promise<void> {
    this.onInitial = undefined;
    for (const { connection } of this.#links) {
      // One that came about while the transport closed.
      if (connection !== undefined && connection.phase !== 'over')
        void connection.close({ text: 'the node stops' });
      connection?.release();
    }
    if (this.#sendCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onAllSent = resolve;
      });
    }
    this.#isSocketClosed = true;
    await new Promise<void>((resolve) => this.#socket.close(resolve));
    this.#options.onClosed(this);
  }

  #onDatagram(datagram: Buffer, from: HostPort): void {
    const header = parsePacketHeader(datagram);
    if (header === undefined) return this.#drop('datagram-malformed');
    const connection = this.#routes.get(header.destination)?.connection;
    if (connection !== undefined) connection.receive(datagram, withoutZone(from));
    else this.#onStranger(datagram, header, from);
  }

  #onStranger(datagram: Buffer, header: PacketHeader, from: HostPort): void {
    const { form, version, typeBits, destination } = header;
    // Version 0 is version negotiation, which answers something that nobody here sent.
    if (this.onInitial === undefined || form === 'short' || version === 0)
      return this.#drop('connection-unknown');
    if (datagram.length < initialDatagramBytesMin) return this.#drop('initial-malformed');
    if (version !== quicVersion1) return this.#negotiateVersion(datagram, header, from);
    if (typeBits !== longHeaderType.initial) return this.#drop('connection-unknown');
    if (destination.length < initialDestinationBytesMin) return this.#drop('initial-malformed');
    this.onInitial(datagram, header, from);
  }

  /** RFC 9000 §6.1: answers with the versions that we speak; smaller than what it answers, so no amplification. */
  #negotiateVersion(datagram: Buffer, header: PacketHeader, from: HostPort): void {
    this.#drop('version-unsupported');
    const source = datagram.subarray(header.sourceStart, header.sourceEnd);
    const answer = Buffer.allocUnsafe(initialDatagramBytesMin);
    try {
      const destination = Buffer.from(header.destination, 'latin1');
      const length = this.#options.quic.negotiateVersion(source, destination, answer);
      this.answer(answer.subarray(0, length), from);
    } catch {
      // The stranger's ids do not fit an answer; it gets none.
    }
  }

  #drop(why: keyof QuicCounters): void {
    this.#options.counters[why] += 1;
  }
}

/** One connection's share of an endpoint. */
export class EndpointLink implements DatagramLink {
  connection: QuicConnection | undefined;
  readonly #endpoint: QuicEndpoint;
  readonly #zone: string;
  readonly #onSent: (error: Error | null) => void;

  constructor(endpoint: QuicEndpoint, zone: string) {
    this.#endpoint = endpoint;
    this.#zone = zone;
    this.#onSent = (error) => {
      endpoint.onSent();
      if (error !== null) this.connection?.onSendFailed(error);
    };
  }

  get local(): HostPort {
    return this.#endpoint.local;
  }

  add(key: string): void {
    this.#endpoint.addRoute(key, this);
  }

  remove(key: string): void {
    this.#endpoint.removeRoute(key);
  }

  send(datagram: Buffer, to: HostPort): void {
    this.#endpoint.send(datagram, to, to.host.startsWith('fe80:') ? this.#zone : '', this.#onSent);
  }

  /** The connection is over; datagrams of its peer may still come. */
  onOver(): void {
    this.#endpoint.unrefIfOver();
  }

  /** Gives the place back. */
  release(): void {
    this.#endpoint.removeLink(this);
  }
}

/** quiche knows no zones (`%eth0`); the link remembers the peer's. */
export function withoutZone(address: HostPort): HostPort {
  const at = address.host.indexOf('%');
  return at === -1 ? address : { host: address.host.slice(0, at), port: address.port };
}

/** Asks the kernel for a large receive buffer; systems that refuse instead of giving less are asked for half. */
function growReceiveBuffer(socket: Socket, bytes: number): void {
  for (let size = bytes; size > 65_536; size /= 2) {
    try {
      socket.setRecvBufferSize(size);
      return;
    } catch {
      continue;
    }
  }
}
