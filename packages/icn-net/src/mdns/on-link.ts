import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * Whether a host is in a network that this machine is in now. Multicast DNS speaks of no other (RFC 6762 §11), and who
 * could make us dial any address would have us send our handshakes to whomever it likes.
 */
export function onLinkHosts(): (host: string) => boolean {
  const subnets = new BlockList();
  for (const { cidr, family } of Object.values(networkInterfaces()).flatMap((all) => all ?? [])) {
    const [net = '', prefix] = (cidr ?? '').split('/');
    if (prefix !== undefined) subnets.addSubnet(net, Number(prefix), family === 'IPv6' ? 'ipv6' : 'ipv4');
  }
  return (host) => subnets.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}
