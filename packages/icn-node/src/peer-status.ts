import type { Did } from '@icn/identity';
import { formatAddress, type ConnectedPeer, type SoughtPeer } from '@icn/net';

/** A peer that is connected. Null stands for what its transport does not count. */
export interface PeerStatus {
  readonly state: 'connected';
  readonly did: Did;
  readonly address: string;
  readonly transport: string;
  readonly direction: 'inbound' | 'outbound';
  readonly upForMs: number;
  /** A topic stands on the link, so that it does not give its place to a newcomer. */
  readonly isProtected: boolean;
  /** The operator named it, by `--peer`. */
  readonly isKept: boolean;
  readonly roundTripMs: number | null;
  readonly packetsLost: number | null;
  readonly bytesSent: number | null;
  readonly bytesReceived: number | null;
}

/** A peer, or an address whose DID is not known yet, that this node tries to reach. */
export interface SoughtStatus {
  readonly state: 'dialling' | 'waiting';
  readonly did: Did | null;
  readonly addresses: readonly string[];
  readonly isKept: boolean;
  /** Dials that failed since it was up. */
  readonly failureCount: number;
  readonly nextDialInMs: number;
}

export function peerStatus({ connection, upForMs, isProtected, isKept }: ConnectedPeer): PeerStatus {
  const { remote, remoteAddress, direction } = connection;
  const { roundTripMs = null, packetsLost = null, bytesSent, bytesReceived } = connection.stats?.() ?? {};
  return {
    state: 'connected',
    did: remote,
    address: formatAddress(remoteAddress),
    transport: remoteAddress.scheme,
    direction,
    upForMs: Math.round(upForMs),
    isProtected,
    isKept,
    roundTripMs,
    packetsLost,
    bytesSent: bytesSent ?? null,
    bytesReceived: bytesReceived ?? null,
  };
}

export function soughtStatus(peer: SoughtPeer): SoughtStatus {
  const { did = null, addresses, isDialling, isKept, failureCount, nextDialInMs } = peer;
  return {
    state: isDialling ? 'dialling' : 'waiting',
    did,
    addresses: addresses.map(formatAddress),
    isKept,
    failureCount,
    nextDialInMs: Math.round(nextDialInMs),
  };
}
