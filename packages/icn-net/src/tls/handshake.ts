import { constants, randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { connect, type SecureContextOptions, type TLSSocket } from 'node:tls';
import type { KeyPair } from '@icn/identity';
import { certificateOf } from '../certificate.js';
import { handshakeTimeout } from '../close-reason.js';
import type { HostPort } from '../host-addresses.js';
import type { CloseReason } from '../protocol.js';
import { TLS_ALPN } from './frame.js';

/**
 * TLS 1.3 alone, no tickets, so no renegotiation, no resumption and no early data. Our signatures are Ed25519; those of the other
 * algorithms that every TLS has (RFC 8446 §9.1) are let through, so that who comes with another key is refused by name.
 */
export function secureContextOptions(keyPair: KeyPair): SecureContextOptions {
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

/** Both sides ask for a certificate and let the handshake pass whatever it is: `judgePeer` wants the key itself, not a chain. */
export const peerIsJudgedLater = { requestCert: true, rejectUnauthorized: false, ALPNProtocols: [TLS_ALPN] };

/**
 * The server name that a dial asks for: 128 random bits, so that the acceptor can tell a dial of its own process, under a
 * top-level domain that names nothing (RFC 6761 §6.4).
 */
export function createDialName(): string {
  return `${randomBytes(16).toString('hex')}.invalid`;
}

/** The server name that the peer of an inbound connection asked for. */
export function dialNameOf(socket: TLSSocket): string {
  const { servername } = socket as { servername?: unknown };
  return typeof servername === 'string' ? servername : '';
}

export interface HandshakeOptions {
  readonly remote: HostPort;
  readonly context: SecureContextOptions;
  readonly dialName: string;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** Connects and completes the TLS handshake; calls back once, in the turn in which it is over, with the socket or why there is none. */
export function handshake(
  { remote, context, dialName, deadlineMs, signal }: HandshakeOptions,
  onOver: (outcome: TLSSocket | CloseReason) => void,
): void {
  const socket = connect({ ...remote, ...context, ...peerIsJudgedLater, servername: dialName });
  const stopWaiting = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    socket.off('secureConnect', onSecure).off('error', onError).off('close', onClose);
  };
  const fail = (reason: CloseReason): void => {
    stopWaiting();
    // A socket that is being destroyed may still have something to complain of.
    socket.on('error', () => undefined).destroy();
    onOver(reason);
  };
  const onSecure = (): void => {
    stopWaiting();
    onOver(socket);
  };
  const onError = (error: Error): void => fail({ code: 'unknown', by: 'network', text: error.message });
  const onClose = (): void => fail({ code: 'unknown', by: 'network', text: 'the peer hung up' });
  const onAbort = (): void => fail({ code: 'done', by: 'us', text: 'dial aborted' });
  const onDeadline = (): void => fail(handshakeTimeout(socket.bytesRead > 0));
  const timer = setTimeout(onDeadline, Math.max(0, deadlineMs - performance.now()));
  socket.setNoDelay().on('secureConnect', onSecure).on('error', onError).on('close', onClose);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
}
