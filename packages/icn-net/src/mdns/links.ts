import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** An address that an interface of this machine has, and the network that it is in. */
export interface InterfaceAddress {
  readonly address: string;
  /** Of the network: 24 for a netmask of 255.255.255.0. */
  readonly prefixBits: number;
}

/** An interface of this machine. */
export interface Interface {
  /** As a scope of IPv6 names it, for example `eth0`. */
  readonly name: string;
  /** The number by which some systems write the same scope; of an interface with IPv6. */
  readonly scopeId?: number;
  readonly addresses: readonly InterfaceAddress[];
}

/**
 * Which interface a host is reached by. Multicast DNS speaks of no host that is not on link (RFC 6762 §11), and who could
 * make us dial any address would have us send our handshakes to whomever it likes.
 */
export class Links {
  readonly #subnets: ReadonlyMap<string, BlockList>;
  readonly #scopes: ReadonlyMap<string, string>;

  constructor(interfaces: readonly Interface[]) {
    this.#subnets = new Map(interfaces.map(({ name, addresses }) => [name, subnetsOf(addresses)]));
    const scopes = interfaces.flatMap(({ name, scopeId }) => [
      [name, name] as const,
      [String(scopeId), name] as const,
    ]);
    this.#scopes = new Map(scopes);
  }

  /** The interface whose network a literal address is in; a link-local IPv6 address names it itself, as its scope. */
  linkOf(host: string): string | undefined {
    const [address = '', scope] = host.split('%');
    if (scope !== undefined) return this.#scopes.get(scope);
    const family = familyOf(address);
    if (family === undefined) return undefined;
    return [...this.#subnets].find(([, subnets]) => subnets.check(address, family))?.[0];
  }

  has(host: string): boolean {
    return this.linkOf(host) !== undefined;
  }
}

/** Whether an address means this machine and no other. */
export function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}

/** Whether an IPv6 address means nothing without the name of an interface (RFC 4007). */
export function isLinkLocalV6(host: string): boolean {
  return /^fe[89ab]/i.test(host);
}

function subnetsOf(addresses: readonly InterfaceAddress[]): BlockList {
  const subnets = new BlockList();
  for (const { address, prefixBits } of addresses) {
    // Each interface has fe80::/64: which one is meant, only a scope can say.
    const family = isLinkLocalV6(address) ? undefined : familyOf(address);
    if (family !== undefined) subnets.addSubnet(address, prefixBits, family);
  }
  return subnets;
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  if (isIPv4(address)) return 'ipv4';
  return isIPv6(address) ? 'ipv6' : undefined;
}
