import type { PeerStatus, SoughtStatus } from '../peer-status.js';
import { plural } from './output.js';

/** One line of `icn peers` about a peer that is connected. */
export function peerLine(peer: PeerStatus): string {
  const { did, address, direction, roundTripMs, packetsLost, bytesSent, bytesReceived, upForMs } = peer;
  const parts = [
    did,
    'connected',
    direction,
    withoutDid(address),
    `for ${duration(upForMs)}`,
    ...(roundTripMs === null ? [] : [`round trip ${roundTripMs.toFixed(1)} ms`]),
    ...(packetsLost === null ? [] : [`${plural(packetsLost, 'packet')} lost`]),
    ...(bytesSent === null ? [] : [`${plural(bytesSent, 'byte')} sent`]),
    ...(bytesReceived === null ? [] : [`${bytesReceived} received`]),
    ...(peer.isKept ? ['named by --peer'] : []),
    ...(peer.isProtected ? ['protected'] : []),
  ];
  return parts.join('  ');
}

/** One line about a peer that this node tries to reach. */
export function soughtLine({ did, state, addresses, failureCount, nextDialInMs }: SoughtStatus): string {
  const when = state === 'dialling' ? [] : [`next dial in ${duration(nextDialInMs)}`];
  const failed = failureCount === 0 ? [] : [`${plural(failureCount, 'dial')} failed`];
  return [did ?? '(DID not known yet)', state, ...addresses.map(withoutDid), ...failed, ...when].join('  ');
}

const withoutDid = (address: string): string => address.split('?')[0] ?? '';

/** A time in its two largest units: `4 s`, `3 min 20 s`, `2 d 5 h`. */
function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const units = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  const shown = units.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count} ${unit}`).join(' ');
}
