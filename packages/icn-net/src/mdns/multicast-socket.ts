import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { isIPv4 } from 'node:net';
import { platform } from 'node:os';
import { messageOf, systemCodeOf } from '../errors.js';
import type { Interface } from './links.js';

export type Family = 'udp4' | 'udp6';

export interface MulticastSocketOptions {
  readonly link: Interface;
  readonly family: Family;
  /** What the library is to read of a datagram; `undefined` for nothing. Must not throw. */
  readonly onReceived: (bytes: Buffer, from: RemoteInfo) => Buffer | undefined;
  /** What is to leave in place of what the library sends, after `delayMs`; `undefined` for nothing. Must not throw. */
  readonly onSending: (bytes: Buffer) => { readonly bytes: Buffer; readonly delayMs: number } | undefined;
  /** Multicast does not work here; said at most once. */
  readonly onFailure: (why: string) => void;
  /** Something did not get through that may the next time. */
  readonly onSendFailed: () => void;
}

type Sent = (error: Error | null) => void;

export const mdnsPort = 5_353;
export const groups: Readonly<Record<Family, string>> = { udp4: '224.0.0.251', udp6: 'ff02::fb' };
/** RFC 6762 §11. */
const hopLimit = 255;

/**
 * The socket that the library is given for one interface and one family of addresses, through which all passes that it reads and
 * writes. It never fails: what does not work is told to `onFailure`, and to the library it is a silent network.
 */
export class MulticastSocket extends EventEmitter {
  readonly #options: MulticastSocketOptions;
  readonly #socket: Socket;
  readonly #waiting = new Set<NodeJS.Timeout>();
  #isReady = false;
  #hasSent = false;
  #isOver = false;

  constructor(options: MulticastSocketOptions) {
    super();
    this.#options = options;
    const { family } = options;
    // Not dual-stack: the IPv4 socket hears the same packets.
    this.#socket = createSocket({
      type: family,
      reuseAddr: true,
      ...(family === 'udp6' && { ipv6Only: true }),
    });
    this.#socket.on('listening', () => this.#join());
    this.#socket.on('error', (error) => (this.#isReady ? options.onSendFailed() : this.#fail(error)));
    this.#socket.on('message', (bytes, from) => this.#receive(bytes, from));
    // Bound to any address: a socket bound to an interface's own address gets no multicast.
    this.#socket.bind({ port: mdnsPort, address: family === 'udp4' ? '0.0.0.0' : '::' });
  }

  /** As the library calls it; it sends to the group alone. */
  send(message: Buffer, _offset: number, _length: number, _port: number, _host: string, onSent: Sent): void {
    const sending = this.#isOver ? undefined : this.#options.onSending(message);
    if (sending === undefined) {
      process.nextTick(onSent, null);
      return;
    }
    if (sending.delayMs === 0) return this.#send(sending.bytes, onSent);
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      this.#send(sending.bytes, onSent);
    }, sending.delayMs);
    this.#waiting.add(timer);
  }

  close(onClosed: () => void): void {
    for (const timer of this.#waiting) clearTimeout(timer);
    this.#waiting.clear();
    if (this.#isOver) {
      process.nextTick(onClosed);
      return;
    }
    this.#isOver = true;
    this.#socket.close(onClosed);
  }

  #join(): void {
    const { link, family } = this.#options;
    const [v4 = ''] = link.addresses.map(({ address }) => address).filter((address) => isIPv4(address));
    const through = family === 'udp4' ? v4 : `::%${platform() === 'win32' ? link.scopeId : link.name}`;
    try {
      this.#socket.addMembership(groups[family], through);
      this.#socket.setMulticastInterface(through);
      this.#socket.setMulticastTTL(hopLimit);
      this.#socket.setMulticastLoopback(true);
      this.#isReady = true;
    } catch (error) {
      this.#fail(error);
    }
  }

  #receive(bytes: Buffer, from: RemoteInfo): void {
    const shown = this.#isOver ? undefined : this.#options.onReceived(bytes, from);
    if (shown !== undefined) this.emit('message', shown, from);
  }

  #send(bytes: Buffer, onSent: Sent): void {
    const { family } = this.#options;
    if (this.#isOver) return onSent(null);
    this.#socket.send(bytes, mdnsPort, groups[family], (error) => {
      if (error === null) this.#hasSent = true;
      else if (!this.#isOver) this.#failedToSend(error);
      onSent(null);
    });
  }

  /** Once something has got through, what does not is a cable that was pulled. */
  #failedToSend(error: Error): void {
    if (this.#hasSent) this.#options.onSendFailed();
    else this.#fail(error);
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.close(() => undefined);
    this.#options.onFailure(systemCodeOf(error) ?? messageOf(error));
  }
}
