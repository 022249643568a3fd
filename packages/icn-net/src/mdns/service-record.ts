import { isIP } from 'node:net';
import { isDid, type Did } from '@icn/identity';
import type { Address } from '../address.js';
import type { DiscoveredPeer } from '../discovery.js';

/** What our TXT records say; every pair is far below the 255 bytes of RFC 6763 §6.1. */
export interface TxtRecord {
  readonly transport: string;
  readonly port: string;
  readonly did: Did;
  /** Of this record; others are not ours to read. */
  readonly version: '1';
  /** Whom it is for: nodes of another network do not find each other. */
  readonly network: string;
}

/** What a responder, whoever it is, says about a service; nothing of it is what its type promises. */
export interface ServiceClaim {
  readonly txt?: unknown;
  readonly addresses?: unknown;
  readonly referer?: { readonly address?: unknown } | undefined;
}

/** More addresses than a host has, fewer than cost a dialler its time. Guess. */
const addressesMax = 8;

export function txtOf(record: Omit<TxtRecord, 'version' | 'port'>, port: number): TxtRecord {
  return { ...record, port: String(port), version: '1' };
}

/** The peer that a service claims to be, at addresses that are on link, or why it is none of ours. Total. */
export function peerOf(
  claim: ServiceClaim,
  { transport, network }: Pick<TxtRecord, 'transport' | 'network'>,
  isOnLink: (host: string) => boolean,
): (DiscoveredPeer & { did: Did }) | 'txt-invalid' | 'other-network' | 'off-link' {
  const txt = claim.txt;
  if (typeof txt !== 'object' || txt === null) return 'txt-invalid';
  const { version, did, port, ...rest } = txt as Record<string, unknown>;
  if (version !== '1' || typeof did !== 'string' || !isDid(did)) return 'txt-invalid';
  if (rest['network'] !== network || rest['transport'] !== transport) return 'other-network';
  const portNumber = typeof port === 'string' && /^[1-9][0-9]{0,4}$/.test(port) ? Number(port) : 0;
  if (portNumber === 0 || portNumber > 65_535) return 'txt-invalid';

  // The address that the answer came from reaches the peer; those it names may be of other networks.
  const named: readonly unknown[] = Array.isArray(claim.addresses) ? (claim.addresses as unknown[]) : [];
  const dialable = [claim.referer?.address, ...named].filter((host) => isDialable(host));
  if (dialable.length === 0) return 'txt-invalid';
  const isHere = isLoopback(claim.referer?.address);
  const hosts = dialable.filter((host) => isOnLink(host) && (isHere || !isLoopback(host)));
  if (hosts.length === 0) return 'off-link';
  const addresses = [...new Set(hosts)]
    .slice(0, addressesMax)
    .map((host): Address => ({ scheme: transport, host, port: portNumber, did }));
  return { did, addresses };
}

/** Only who is on this machine can mean it by its loopback addresses. */
function isLoopback(host: unknown): boolean {
  return typeof host === 'string' && (host === '::1' || host.startsWith('127.'));
}

function isDialable(host: unknown): host is string {
  if (typeof host !== 'string' || isIP(host) === 0) return false;
  const isLinkLocalV6 = host.toLowerCase().startsWith('fe80:');
  const isMulticast = host.toLowerCase().startsWith('ff') || /^(22[4-9]|23\d|0|255)\./.test(host);
  return !isLinkLocalV6 && !isMulticast && host !== '::';
}
