import { isIPv4, isIPv6 } from 'node:net';
import { isDid, type Did } from '@icn/identity';
import type { Address } from '../address.js';
import { isLinkLocalV6, isLoopback, type Links } from './links.js';
import { schemeOfType, type ServiceType } from './service-type.js';

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
  readonly fqdn?: unknown;
  /** Of its SRV record. */
  readonly port?: unknown;
  readonly txt?: unknown;
  /** Of the A and AAAA records of the host that the SRV record names. */
  readonly addresses?: unknown;
  /** Of the packet that said so. */
  readonly referer?: { readonly address?: unknown } | undefined;
}

export interface ClaimedPeer {
  readonly did: Did;
  /** The likeliest first. */
  readonly addresses: readonly Address[];
}

export interface Wanted {
  readonly network: string;
  /** Schemes that this node can dial. */
  readonly transports: readonly string[];
}

/** Why a claim makes no peer. */
export type ClaimDrop = 'txt-invalid' | 'other-network' | 'transport-unknown' | 'off-link';

/** More addresses than a host has, fewer than cost a dialler its time. Guess. */
const addressesMax = 8;

/** The peer that a service of `type` claims to be, at addresses that are on link, or why it is none of ours. Total. */
export function peerOf(
  claim: ServiceClaim,
  type: ServiceType,
  { network, transports }: Wanted,
  links: Links,
): ClaimedPeer | ClaimDrop {
  if (typeof claim.txt !== 'object' || claim.txt === null) return 'txt-invalid';
  const { version, did, port, network: theirs, transport } = claim.txt as Record<string, unknown>;
  if (version !== '1' || typeof did !== 'string' || !isDid(did)) return 'txt-invalid';
  const scheme = schemeOfType[type];
  if (transport !== scheme || typeof claim.port !== 'number' || claim.port === 0) return 'txt-invalid';
  if (port !== String(claim.port)) return 'txt-invalid';
  if (theirs !== network) return 'other-network';
  if (!transports.includes(scheme)) return 'transport-unknown';

  const hosts = hostsOf(claim, links);
  if (hosts.length === 0) return 'off-link';
  return { did, addresses: hosts.map((host): Address => ({ scheme, host, port: Number(port), did })) };
}

/**
 * Where a claim can be dialled, the likeliest first: the address that it came from, if it names it, then the others that
 * it names and that are on link. The address that it came from comes last where it is not named: a host that listens on
 * some addresses alone speaks mDNS by the others too, and a responder that names none is only known by this one.
 */
function hostsOf({ addresses, referer }: ServiceClaim, links: Links): readonly string[] {
  const source = typeof referer?.address === 'string' ? referer.address : '';
  const isHere = isLoopback(source);
  const isUsable = (host: unknown): host is string =>
    isDialable(host) && links.has(host) && (isHere || !isLoopback(host));
  const named: readonly unknown[] = Array.isArray(addresses) ? (addresses as unknown[]) : [];
  const usable = named.filter(isUsable);
  const first = usable.filter((host) => host === source);
  const last = isUsable(source) ? [source] : [];
  return [...new Set([...first, ...usable, ...last, ...linkLocalOf(named, source)])].slice(0, addressesMax);
}

/**
 * The link-local IPv6 addresses that are named, with the scope by which they were heard: the last to try, and all that two
 * machines on one cable have. Only a packet that came from one says by which interface its kind is reached.
 */
function linkLocalOf(named: readonly unknown[], source: string): readonly string[] {
  const scope = isLinkLocalV6(source) ? source.split('%')[1] : undefined;
  if (scope === undefined) return [];
  return named.flatMap((host) =>
    typeof host === 'string' && isIPv6(host) && isLinkLocalV6(host) ? [`${host}%${scope}`] : [],
  );
}

/** Whether an address alone says where to dial; link-local IPv6 does not. */
function isDialable(host: unknown): host is string {
  if (typeof host !== 'string') return false;
  if (isIPv4(host)) return !/^(?:22[4-9]|23\d|24\d|25[0-5]|0)\./.test(host);
  return isIPv6(host) && !isLinkLocalV6(host) && !/^(?:ff|::$|::ffff:)/i.test(host);
}
