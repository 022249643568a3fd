import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import quiche from '@matrixai/quic/native/quiche.js';
import type { Config, Connection } from '@matrixai/quic/native/types.js';
import { ALPN } from '../src/index.js';

export interface RawIdentity {
  readonly certPem: string;
  readonly keyPem: string;
}

/** A configuration without any rule of ours. */
export function rawConfig(identity: RawIdentity | undefined, alpn: readonly string[] = [ALPN]): Config {
  const utf8 = new TextEncoder();
  const key = identity === undefined ? null : [utf8.encode(identity.keyPem)];
  const cert = identity === undefined ? null : [utf8.encode(identity.certPem)];
  const config = quiche.Config.withBoringSslCtx(true, true, null, key, cert, 'ed25519:rsa_pss_rsae_sha256');
  config.setApplicationProtos([...alpn]);
  config.setMaxIdleTimeout(3000);
  config.setInitialMaxData(1 << 20);
  config.setInitialMaxStreamDataUni(1 << 16);
  config.setInitialMaxStreamDataBidiLocal(1 << 16);
  config.setInitialMaxStreamDataBidiRemote(1 << 16);
  config.setInitialMaxStreamsBidi(8);
  config.setInitialMaxStreamsUni(8);
  return config;
}

/** A QUIC client with no manners: quiche and a socket, driven by the test. */
export class RawClient {
  readonly native: Connection;
  readonly #socket: Socket;
  readonly #local: { host: string; port: number };
  readonly #timer: NodeJS.Timeout;

  private constructor(socket: Socket, port: number, config: Config) {
    this.#socket = socket;
    this.#local = { host: '127.0.0.1', port: socket.address().port };
    const remote = { host: '127.0.0.1', port };
    this.native = quiche.Connection.connect(null, randomBytes(16), this.#local, remote, config);
    socket.on('message', (datagram, from) => {
      try {
        this.native.recv(datagram, { from: { host: from.address, port: from.port }, to: this.#local });
      } catch {
        // The test looks at the errors of the connection.
      }
      this.flush();
    });
    this.#timer = setInterval(() => {
      if (this.native.timeout() === 0) this.native.onTimeout();
      this.flush();
    }, 5);
    this.flush();
  }

  static async dial(port: number, config: Config): Promise<RawClient> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new RawClient(socket, port, config);
  }

  flush(): void {
    for (;;) {
      const datagram = Buffer.alloc(1350);
      const sent = this.native.send(datagram);
      if (sent === null) return;
      this.#socket.send(datagram.subarray(0, sent[0]), sent[1].to.port, sent[1].to.host);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }
}
