import type { KeyPair } from '@icn/identity';
import { certificateOf } from '../certificate.js';
import { ALPN } from '../protocol.js';
import type { QuicLimits } from './limits.js';
import { datagramQueueMax } from './frame-queue.js';
import type { NativeConfig, NativeQuic } from './native.js';

/**
 * Connection-level flow control is as good as off: quiche 0.18 never gives back the connection credit of bytes that
 * were received but not read when their stream is reset, so a connection with a real limit dries up after enough
 * resets. Streams are limited in number and window, which bounds the same memory.
 */
const connectionWindowBytes = 2 ** 50;

/** A connection opens exactly one unidirectional stream each way: the preface. */
const prefaceStreamsMax = 1;
const prefaceWindowBytes = 64;

export interface PathParameters {
  /** The largest UDP payload that is sent. */
  readonly datagramBytesMax: number;
  /** By which tickets are made and read; the same for all configurations of a process. */
  readonly ticketKey: Uint8Array;
}

/** Of a ticket key, as BoringSSL wants it. */
export const ticketKeyBytes = 48;

/**
 * The quiche configuration of one key pair, for paths that carry `datagramBytesMax` at most: mutual TLS 1.3, both roles,
 * every limit; the certificate is judged by us. quiche counts its congestion window in datagrams of that size, 10 to begin
 * with, so it is not to be more than the machine's own link carries.
 */
export function createConfig(
  quic: NativeQuic,
  keyPair: KeyPair,
  limits: QuicLimits,
  { datagramBytesMax, ticketKey }: PathParameters,
): NativeConfig {
  const { certPem, keyPem } = certificateOf(keyPair);
  const utf8 = new TextEncoder();
  // Asks for the peer's certificate and lets the handshake pass whatever it is: BoringSSL knows chains to authorities,
  // we want the key itself. Possession of the key is proven by TLS in any case.
  const verifyPeer = true;
  const verifyAllowFail = true;
  // We sign with Ed25519; the others that every TLS has (RFC 8446 §9.1) are let through, so that who comes with another
  // key is refused by name.
  const signatures = 'ed25519:rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256';
  const config = quic.Config.withBoringSslCtx(
    verifyPeer,
    verifyAllowFail,
    null,
    [utf8.encode(keyPem)],
    [utf8.encode(certPem)],
    signatures,
  );
  config.setApplicationProtos([ALPN]);
  config.setTicketKey(ticketKey);
  config.enableEarlyData();
  config.grease(true);
  config.setMaxIdleTimeout(limits.idleTimeoutMs);
  config.setMaxRecvUdpPayloadSize(65_527);
  config.setMaxSendUdpPayloadSize(datagramBytesMax);
  config.enableDgram(true, datagramQueueMax, datagramQueueMax);
  config.setInitialMaxData(connectionWindowBytes);
  config.setMaxConnectionWindow(connectionWindowBytes);
  config.setInitialMaxStreamDataBidiLocal(limits.streamWindowBytes);
  config.setInitialMaxStreamDataBidiRemote(limits.streamWindowBytes);
  config.setMaxStreamWindow(limits.streamWindowBytesMax);
  config.setInitialMaxStreamsBidi(limits.peerStreamsMax);
  config.setInitialMaxStreamsUni(prefaceStreamsMax);
  config.setInitialMaxStreamDataUni(prefaceWindowBytes);
  config.setActiveConnectionIdLimit(limits.connectionIdsMax);
  // At 1 % loss and 40 ms round trip BBR carried 3.3 MB/s, cubic 0.9 (docs/decisions/0002-native-quic-binding.md).
  config.setCcAlgorithmName('bbr');
  return config;
}
