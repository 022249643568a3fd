import { once } from 'node:events';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Certificate } from '../src/index.js';
import { PREFACE } from '../src/index.js';

/** A frame as the specification writes it, and as a test reads it. */
export interface RawFrame {
  readonly type: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export const HELLO = 0;
export const DATA = 1;
export const END = 2;
export const RESET = 3;
export const STREAM_ROOM = 4;
export const CONNECTION_ROOM = 5;
export const PLACES = 6;
export const PING = 7;
export const PONG = 8;
export const CLOSE = 9;

/** Made from docs/protocol/transport.md, not from the code under test. */
export function frame(
  type: number,
  stream = 0,
  payload: Uint8Array = Buffer.alloc(0),
  length = payload.length,
): Buffer {
  const header = Buffer.alloc(9);
  header.writeUInt8(type, 0);
  header.writeUIntBE(stream, 1, 6);
  header.writeUInt16BE(length, 7);
  return Buffer.concat([header, payload]);
}

export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i);
  return bytes;
}

export function hello(streamWindow = 1 << 20, connectionWindow = 1 << 24, places = 100): Buffer {
  return frame(HELLO, 0, Buffer.concat([PREFACE, u32(streamWindow, connectionWindow, places)]));
}

/** A client that says what it is told to, and remembers what it heard. */
export class RawTlsClient {
  readonly frames: RawFrame[] = [];
  isClosed = false;
  error: Error | undefined;
  readonly socket: TLSSocket;
  #rest = Buffer.alloc(0);

  constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#onBytes(chunk));
    socket.on('error', (error: Error) => (this.error = error));
    socket.on('close', () => (this.isClosed = true));
  }

  /** Connects; resolves when this side takes the handshake for done, or the socket is closed. */
  static async dial(
    port: number,
    identity: Pick<Certificate, 'certPem' | 'keyPem'> | undefined,
    options: ConnectionOptions = {},
  ): Promise<RawTlsClient> {
    const socket = connect({
      host: '127.0.0.1',
      port,
      ...(identity === undefined ? {} : { cert: identity.certPem, key: identity.keyPem }),
      minVersion: 'TLSv1.3',
      rejectUnauthorized: false,
      ALPNProtocols: ['icn-mux/1'],
      ...options,
    });
    const client = new RawTlsClient(socket);
    await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]).catch(() => {});
    return client;
  }

  send(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  of(type: number): RawFrame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** The code and the text of the close that the other side sent. */
  get closed(): { code: number; text: string } | undefined {
    const [close] = this.of(CLOSE);
    if (close === undefined) return undefined;
    return { code: close.payload[0] ?? -1, text: close.payload.subarray(1).toString() };
  }

  close(): void {
    this.socket.destroy();
  }

  #onBytes(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUInt16BE(7);
      if (this.#rest.length < 9 + length) return;
      this.frames.push({
        type: this.#rest.readUInt8(0),
        stream: this.#rest.readUIntBE(1, 6),
        payload: this.#rest.subarray(9, 9 + length),
      });
      this.#rest = this.#rest.subarray(9 + length);
    }
  }
}
