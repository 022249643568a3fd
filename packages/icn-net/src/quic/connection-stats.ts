import type { ConnectionStats } from '../transport.js';
import type { NativeConnection } from './native.js';

/** What quiche counted of a connection: whole packets, the round trip of the path in use, smoothed (RFC 9002 §5.3), in whole ms. */
export function connectionStats(native: NativeConnection): ConnectionStats {
  const { sentBytes, recvBytes, lost } = native.stats();
  const roundTripMs = native.pathStats().find(({ active }) => active)?.rtt;
  return { bytesSent: sentBytes, bytesReceived: recvBytes, packetsLost: lost, roundTripMs };
}
