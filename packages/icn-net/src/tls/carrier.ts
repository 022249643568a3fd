import { constants } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  connect,
  createServer as createTlsServer,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls';
import type { Did, KeyPair } from '@icn/identity';
import { certificateOf } from '../certificate.js';
import { unlessAborted } from '../dial-race.js';
import { NetError } from '../errors.js';
import { resolveHost, unmapped, type HostPort } from '../host-addresses.js';
import { listenFailure } from '../listen-failure.js';
import type { Carried, Carrier, CarrierSocket } from '../mux/carrier.js';
import { presentedDid, type Refused } from '../peer-proof.js';
import type { ListenOptions } from '../transport.js';

/** The ALPN of TLS over TCP, other than that of QUIC because other bytes follow. */
const tlsAlpn = 'icn-mux/1';

/** Both sides ask for a certificate and let the handshake pass whatever it is: what is judged is the key itself, not a chain. */
const peerIsJudgedLater = { requestCert: true, rejectUnauthorized: false, ALPNProtocols: [tlsAlpn] };

/** The top-level domain of the server name that a dial asks for; it names nothing (RFC 6761 §6.4). */
const dialDomain = '.invalid';

interface Accepting {
  readonly resolve: (socket: TLSSocket) => void;
  readonly reject: (error: Error) => void;
}

/** Byte streams over TLS 1.3 and TCP; each side shows the certificate of its identity key. */
export class TlsCarrier implements Carrier {
  readonly scheme = 'tls';
  readonly protocol = 'TCP';
  readonly #context: SecureContextOptions;
  /** Listens nowhere itself: sockets are given to it once they are admitted. */
  readonly #tls: Server;
  /** By the addresses of both ends, which no two sockets share. */
  readonly #accepting = new Map<string, Accepting>();

  constructor(keyPair: KeyPair) {
    this.#context = secureContextOptions(keyPair);
    this.#tls = createTlsServer({ ...this.#context, ...peerIsJudgedLater });
    this.#tls.on('secureConnection', (socket) => {
      socket.on('error', () => undefined);
      const accepting = this.#accepting.get(keyOf(socket));
      // Reset by the peer in this moment: it has no address any more, and the close of its socket is to come.
      if (accepting === undefined) socket.destroy();
      else accepting.resolve(socket);
    });
    this.#tls.on('tlsClientError', (error, socket) => {
      this.#accepting.get(keyOf(socket))?.reject(failureOf(error));
      socket.destroy();
    });
  }

  resolve(host: string): Promise<readonly string[]> {
    return resolveHost(host, 'dial-failed');
  }

  async listen(
    { host, port }: ListenOptions,
    onInbound: (raw: Duplex, remote: HostPort) => void,
  ): Promise<CarrierSocket> {
    const [literal = host] = await resolveHost(host, 'address-unavailable');
    const at = { host: literal, port };
    const tcp = createTcpServer({ noDelay: true });
    try {
      tcp.listen(at);
      await once(tcp, 'listening');
    } catch (cause) {
      throw listenFailure('TCP', at, cause);
    }
    tcp.on('connection', (raw) => onInbound(raw, remoteOf(raw)));
    // A connection that could not be accepted, for want of file descriptors for example, is one that its peer tries again.
    tcp.on('error', () => undefined);
    const bound = tcp.address() as AddressInfo;
    return {
      local: { host: bound.address, port: bound.port },
      // Resolves before accepted sockets are closed; they are for others to close.
      close: async () => void tcp.close(),
    };
  }

  async accept(raw: Duplex): Promise<Carried> {
    const key = keyOf(raw as Socket);
    try {
      const socket = await new Promise<TLSSocket>((resolve, reject) => {
        const onClose = (): void => reject(new NetError('dial-failed', 'the peer hung up'));
        if (raw.destroyed) return onClose();
        this.#accepting.set(key, { resolve, reject });
        raw.once('close', onClose);
        this.#tls.emit('connection', raw);
      });
      return carriedBy(socket, dialNameOf(socket));
    } finally {
      this.#accepting.delete(key);
    }
  }

  async connect(remote: HostPort, dialName: string, signal: AbortSignal): Promise<Carried> {
    const options = { ...remote, ...this.#context, ...peerIsJudgedLater };
    const socket = connect({ ...options, servername: `${dialName}${dialDomain}` }).setNoDelay();
    // A socket that is being destroyed may still have something to complain of.
    socket.on('error', () => undefined);
    const secured = new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve).once('error', reject);
      socket.once('close', () => reject(new NetError('dial-failed', 'the peer hung up')));
    });
    try {
      await unlessAborted(secured, signal);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return carriedBy(socket, dialName);
  }
}

/** What OpenSSL made of the peer, by name where it has one. */
function failureOf(error: Error & { code?: string }): Error {
  if (error.code !== 'ERR_SSL_NO_APPLICATION_PROTOCOL') return error;
  const text = `the peer does not speak ${tlsAlpn}`;
  const reason = { code: 'protocol-error', by: 'us', detail: 'alpn-mismatch', text } as const;
  return new NetError('dial-failed', text, { cause: error, reason });
}

/**
 * TLS 1.3 alone, no tickets, so no renegotiation, no resumption and no early data. Our signatures are Ed25519; those of the other
 * algorithms that every TLS has (RFC 8446 §9.1) are let through, so that who comes with another key is refused by name.
 */
function secureContextOptions(keyPair: KeyPair): SecureContextOptions {
  const { certPem, keyPem } = certificateOf(keyPair);
  return {
    cert: certPem,
    key: keyPem,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    sigalgs: 'ed25519:rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256',
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function carriedBy(socket: TLSSocket, dialName: string): Carried {
  return { socket, peer: peerOf(socket), dialName };
}

function peerOf(socket: TLSSocket): Did | Refused {
  // Nothing here makes or takes tickets; one who comes with a session would not have shown its certificate now.
  if (socket.isSessionReused()) return { code: 'peer-unproven', text: 'a resumed session' };
  const certificate = socket.getPeerX509Certificate();
  const presented = {
    protocol: socket.alpnProtocol === false ? '' : (socket.alpnProtocol ?? ''),
    certificates: certificate === undefined ? [] : [certificate.raw],
  };
  return presentedDid(presented, tlsAlpn);
}

/** The name that the peer of an inbound connection drew. */
function dialNameOf(socket: TLSSocket): string {
  const { servername } = socket as { servername?: unknown };
  return typeof servername === 'string' ? servername.replace(dialDomain, '') : '';
}

/** Of a socket whose peer is gone already there is nothing to say; it is refused by what it does not do. */
function remoteOf({ remoteAddress = '', remotePort = 0 }: Socket): HostPort {
  return { host: unmapped(remoteAddress), port: remotePort };
}

function keyOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
