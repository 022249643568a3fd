import { readFileSync } from 'node:fs';
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { performance } from 'node:perf_hooks';
import { unmapped } from '../host-addresses.js';

/** IPv6 and UDP headers (RFC 8200 §3, RFC 768); those of IPv4 are shorter. */
const headerBytes = 40 + 8;
/** Ethernet, and what lies behind a router (RFC 894). */
const ethernetMtu = 1_500;
/** The loopback interface of macOS; those of others carry more. */
const loopbackMtu = 16_384;
/** Interfaces come and go; a guess that is old costs a smaller datagram, or a probe that is lost. Guess. */
const freshForMs = 30_000;
/** Hosts whose link is remembered meanwhile. Guess. */
const hostsMax = 1_024;

interface Link {
  readonly subnet: BlockList;
  readonly mtu: number;
}

/** What the links of this machine carry. Node does not say it; Linux does in a file, of others Ethernet is assumed. */
export class LinkMtu {
  #links: readonly Link[] = [];
  #readAtMs = -Infinity;
  readonly #byHost = new Map<string, number>();

  /** The largest UDP payload that may reach `host` whole: over a link of this machine, or else over Ethernet. */
  payloadBytesTo(host: string): number {
    const nowMs = performance.now();
    if (nowMs - this.#readAtMs >= freshForMs) {
      this.#links = readLinks();
      this.#readAtMs = nowMs;
      this.#byHost.clear();
    }
    const known = this.#byHost.get(host);
    if (known !== undefined) return known;
    const payloadBytes = this.#look(host);
    if (this.#byHost.size < hostsMax) this.#byHost.set(host, payloadBytes);
    return payloadBytes;
  }

  #look(host: string): number {
    const address = unmapped(host);
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    const link = this.#links.find(({ subnet }) => subnet.check(address, family));
    return (link?.mtu ?? ethernetMtu) - headerBytes;
  }
}

/** Own addresses first: what is sent to them passes by the loopback interface. */
function readLinks(): readonly Link[] {
  const own = new BlockList();
  const others: Link[] = [];
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    for (const { address, cidr, family, internal } of addresses) {
      const type = family === 'IPv6' ? 'ipv6' : 'ipv4';
      own.addAddress(address, type);
      const [net = '', prefix] = (cidr ?? '').split('/');
      if (prefix === undefined) continue;
      const subnet = new BlockList();
      subnet.addSubnet(net, Number(prefix), type);
      others.push({ subnet, mtu: internal ? loopbackMtu : mtuOf(name) });
    }
  }
  return [{ subnet: own, mtu: loopbackMtu }, ...others];
}

function mtuOf(interfaceName: string): number {
  try {
    const mtu = Number(readFileSync(`/sys/class/net/${interfaceName}/mtu`, 'ascii'));
    return Number.isSafeInteger(mtu) && mtu >= ethernetMtu ? mtu : ethernetMtu;
  } catch {
    return ethernetMtu;
  }
}
