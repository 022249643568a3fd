import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { ipv6Bytes } from './ipv6.js';

/**
 * How far a literal address reaches. `never`: no address to dial for anybody who is told of it (unspecified, link-local,
 * multicast, broadcast, documentation, benchmarking, tunnels and mapped IPv4, reserved; names too). `loopback`: this machine.
 * `public`: everywhere. Anything else is the private block that it is in: two addresses of one block may be of one network.
 */
export type AddressScope = 'never' | 'loopback' | 'public' | `private ${string}`;

/** RFC 6890 and its updates, RFC 6052, RFC 3056, RFC 4380. */
const never = [
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
/** RFC 1918, RFC 6598. */
const privateV4 = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16'];
/** RFC 4291 §2.4: all that is global unicast; of it are left out Teredo and what is kept for protocols, 6to4, documentation. */
const globalV6 = ['2000::/3'];
const neverV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];
/** RFC 4193. */
const uniqueLocal = ['fc00::/7'];

/** The first 96 bits of an IPv4 address that is written as IPv6. */
const mappedPrefix = `${'0'.repeat(20)}ffff`;

const lists = {
  loopback: listOf(['127.0.0.0/8'], ['::1/128']),
  never: listOf(never, neverV6),
  globalV6: listOf([], globalV6),
  uniqueLocal: listOf([], uniqueLocal),
};
const privateBlocks = privateV4.map((block) => [block, listOf([block], [])] as const);

/** The scope of a literal address without a zone; `never` for whatever is none. Total. */
export function scopeOf(host: string): AddressScope {
  const isV4 = isIPv4(host);
  if (!isV4 && (!isIPv6(host) || host.includes('%'))) return 'never';
  const family = isV4 ? 'ipv4' : 'ipv6';
  // BlockList reads a mapped IPv4 address (RFC 4291 §2.5.5.2) as what it maps to.
  if (!isV4 && hexOf(host).startsWith(mappedPrefix)) return 'never';
  if (lists.loopback.check(host, family)) return 'loopback';
  if (lists.never.check(host, family)) return 'never';
  if (isV4) {
    const block = privateBlocks.find(([, list]) => list.check(host, family));
    return block === undefined ? 'public' : `private ${block[0]}`;
  }
  // The first 48 bits of a unique local address are one site's own.
  if (lists.uniqueLocal.check(host, family)) return `private ${hexOf(host).slice(0, 12)}/48`;
  return lists.globalV6.check(host, family) ? 'public' : 'never';
}

/**
 * Whether an address may be told by, or to, somebody whose connection comes from `vantage`.
 *
 * 1. An address of scope `never` may not.
 * 2. A public one may.
 * 3. A private one only where the other is in the same private block, or on this machine.
 * 4. One of loopback only where the other is on this machine.
 *
 * So nobody in a public network can make us dial inside ours, nor learns of it what is inside.
 */
export function mayBeTold(host: string, vantage: string): boolean {
  const scope = scopeOf(host);
  const from = scopeOf(vantage);
  if (scope === 'never') return false;
  if (scope === 'public') return true;
  return from === 'loopback' || scope === from;
}

function listOf(v4: readonly string[], v6: readonly string[]): BlockList {
  const list = new BlockList();
  for (const [family, blocks] of [['ipv4', v4] as const, ['ipv6', v6] as const]) {
    for (const block of blocks) {
      const [net = '', prefix] = block.split('/');
      list.addSubnet(net, Number(prefix), family);
    }
  }
  return list;
}

function hexOf(host: string): string {
  return Buffer.from(ipv6Bytes(host)).toString('hex');
}
