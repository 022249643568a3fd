/**
 * A transport between processes of one machine, over Unix domain sockets: `unix://NAME:PORT` is the socket
 * `NAME-PORT.sock` in a folder. docs/writing-an-adapter.md walks through it.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { didFromPublicKey, isPublicKey, sign, verify, type KeyPair } from '@icn/identity';
import { NetError, type ListenOptions, type Transport } from '@icn/net';
import {
  createMuxTransport,
  readExactly,
  type Carried,
  type Carrier,
  type CarrierSocket,
  type HostPort,
  type MuxTransportOptions,
} from '@icn/net/mux';

export interface UnixTransportOptions extends MuxTransportOptions {
  /** Where sockets are. Whoever may write here may stand between two nodes: mode 0700. */
  readonly folder: string;
}

/** Makes a transport that `Swarm` and `createNode` take like any other. */
export function createUnixTransport(options: UnixTransportOptions): Transport {
  return createMuxTransport(new UnixCarrier(options.keyPair, options.folder), options);
}

/** What each side says of itself: a nonce and the 32 bytes of its public key. Then each signs both. */
const nonceBytes = 16;
const helloBytes = nonceBytes + 32;
const signatureBytes = 64;
const portCount = 65_535;

class UnixCarrier implements Carrier {
  readonly scheme = 'unix';
  readonly protocol = 'a Unix domain socket';
  readonly #keyPair: KeyPair;
  readonly #folder: string;
  /** At which address each inbound byte stream came in. */
  readonly #reachedAt = new WeakMap<Duplex, HostPort>();

  constructor(keyPair: KeyPair, folder: string) {
    this.#keyPair = keyPair;
    this.#folder = folder;
  }

  async listen(
    at: ListenOptions,
    onInbound: (raw: Duplex, remote: HostPort) => void,
  ): Promise<CarrierSocket> {
    const { server, local } = await this.#bind(at);
    server.on('connection', (raw) => {
      this.#reachedAt.set(raw, local);
      // Who dials has no address here; all of this machine are one source to the caps on handshakes.
      onInbound(raw, { host: local.host, port: 0 });
    });
    return { local, close: async () => void server.close() };
  }

  async accept(raw: Duplex): Promise<Carried> {
    const nonce = randomBytes(nonceBytes);
    return this.#prove(raw, 'acceptor', nonce, this.#reachedAt.get(raw));
  }

  async connect(remote: HostPort, dialName: string, signal: AbortSignal): Promise<Carried> {
    // What goes wrong with it is seen when it closes.
    const socket = connect(this.#pathOf(remote)).on('error', () => undefined);
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    try {
      await once(socket, 'connect', { signal });
      return await this.#prove(socket, 'dialler', Buffer.from(dialName, 'hex'), remote);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /**
   * Both keys sign both nonces, both keys and the address, so that no signature serves twice, for another dial, or at another
   * socket; and whose signature it is, so that none can be sent back to who made it.
   */
  async #prove(socket: Duplex, role: Role, nonce: Uint8Array, reached?: HostPort): Promise<Carried> {
    const hello = Buffer.concat([nonce, this.#keyPair.publicKey]);
    socket.write(hello);
    const heard = await readExactly(socket, helloBytes);
    const hellos = role === 'dialler' ? [hello, heard] : [heard, hello];
    const message = (signer: Role) =>
      Buffer.concat([Buffer.from(`${signer} unix://${reached?.host}:${reached?.port} `), ...hellos]);
    socket.write(sign(this.#keyPair, 'icn/peer-proof', message(role)));
    const signature = await readExactly(socket, signatureBytes);

    const peerKey = heard.subarray(nonceBytes);
    const other = role === 'dialler' ? 'acceptor' : 'dialler';
    const isProven = isPublicKey(peerKey) && verify(peerKey, 'icn/peer-proof', message(other), signature);
    const peer = isProven
      ? didFromPublicKey(peerKey)
      : ({ code: 'peer-unproven', text: 'no valid signature' } as const);
    return { socket, peer, dialName: hellos[0]!.subarray(0, nonceBytes).toString('hex') };
  }

  async #bind({ host, port }: ListenOptions): Promise<{ server: Server; local: HostPort }> {
    const local = { host, port: port === 0 ? 1 + Math.floor(Math.random() * portCount) : port };
    const server = createServer();
    try {
      await once(server.listen(this.#pathOf(local)), 'listening');
      return { server, local };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE')
        throw new NetError('address-unavailable', `cannot listen in ${this.#folder}`, { cause });
      const isLeftOver = !(await answers(this.#pathOf(local)));
      if (isLeftOver) await rm(this.#pathOf(local), { force: true });
      if (isLeftOver || port === 0) return this.#bind({ host, port });
      throw new NetError('address-in-use', `port ${port} of ${host} is in use: take another, or 0`, {
        cause,
      });
    }
  }

  #pathOf({ host, port }: HostPort): string {
    return join(this.#folder, `${host}-${port}.sock`);
  }
}

type Role = 'dialler' | 'acceptor';

/** A process that was killed leaves its socket behind. */
async function answers(path: string): Promise<boolean> {
  const probe = connect(path);
  try {
    await once(probe, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    probe.destroy();
  }
}
