import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import quiche from '@matrixai/quic/native/quiche.js';
import type { Connection } from '@matrixai/quic/native/types.js';
import { generateKeyPair } from '@icn/identity';
import { certificateOf } from '../src/index.js';
import { rawConfig } from './raw-quic.js';

const config = rawConfig(certificateOf(generateKeyPair()));

/**
 * A QUIC client at an address of its own (Linux answers for all of 127.0.0.0/8) that sends nothing by itself: with it a
 * test stops a handshake wherever it likes. `heard` is what was sent to it.
 */
export class Stranger {
  readonly heard: Buffer[] = [];
  readonly #socket: Socket;
  readonly #native: Connection;
  readonly #own: { host: string; port: number };
  readonly #port: number;

  private constructor(socket: Socket, host: string, port: number) {
    this.#socket = socket;
    this.#port = port;
    this.#own = { host, port: socket.address().port };
    this.#native = quiche.Connection.connect(null, randomBytes(16), this.#own, this.#server, config);
    socket.on('message', (datagram) => this.heard.push(Buffer.from(datagram)));
  }

  static async at(host: string, port: number): Promise<Stranger> {
    const socket = createSocket('udp4');
    socket.bind(0, host);
    await once(socket, 'listening');
    return new Stranger(socket, host, port);
  }

  /** What quiche would send now: at first one Initial. */
  next(): Buffer[] {
    const datagrams: Buffer[] = [];
    for (;;) {
      const datagram = Buffer.alloc(1350);
      const sent = this.#native.send(datagram);
      if (sent === null) return datagrams;
      datagrams.push(datagram.subarray(0, sent[0]));
    }
  }

  send(...datagrams: readonly Buffer[]): void {
    for (const datagram of datagrams) this.#socket.send(datagram, this.#port, '127.0.0.1');
  }

  /** Lets quiche take a datagram that was heard. */
  take(datagram: Buffer): void {
    this.#native.recv(Buffer.from(datagram), { from: this.#server, to: this.#own });
  }

  get isEstablished(): boolean {
    return this.#native.isEstablished();
  }

  close(): void {
    this.#socket.close();
  }

  get #server(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.#port };
  }
}

/** So many first datagrams of real clients. */
export function realInitials(count: number): Buffer[] {
  const own = { host: '127.0.0.1', port: 1 };
  return Array.from({ length: count }, () => {
    const native = quiche.Connection.connect(null, randomBytes(16), own, { ...own, port: 2 }, config);
    const datagram = Buffer.alloc(1350);
    return datagram.subarray(0, native.send(datagram)?.[0]);
  });
}
