import { networkInterfaces } from 'node:os';
import { isIPv4 } from 'node:net';
import { isLoopback, type Interface } from './links.js';

/** More than a machine has; bounds memberships and packets. Guess. */
const interfacesMax = 16;

/**
 * The interfaces of this machine, or of them those that have one of `hosts`. Loopback is used by IPv4 alone where it has
 * it: it has no multicast route for IPv6.
 */
export function ownInterfaces(hosts: readonly string[] | undefined): readonly Interface[] {
  return Object.entries(networkInterfaces())
    .map(([name, all = []]): Interface => {
      const addresses = all.flatMap(({ address, cidr }) => {
        const prefixBits = Number(cidr?.split('/')[1] ?? Number.NaN);
        return Number.isNaN(prefixBits) ? [] : [{ address, prefixBits }];
      });
      const [scopeId] = all.flatMap((info) =>
        info.family === 'IPv6' && info.scopeid > 0 ? [info.scopeid] : [],
      );
      return { name, addresses, ...(scopeId !== undefined && { scopeId }) };
    })
    .filter(({ addresses }) => addresses.length > 0)
    .filter(
      ({ addresses }) => hosts === undefined || addresses.some(({ address }) => hosts.includes(address)),
    )
    .slice(0, interfacesMax);
}

/** The families by which an interface is asked and answered. */
export function familiesOf({ addresses }: Interface): readonly ('udp4' | 'udp6')[] {
  const hasV4 = addresses.some(({ address }) => isIPv4(address));
  const hasV6 = addresses.some(({ address }) => !isIPv4(address));
  const isLoop = addresses.some(({ address }) => isLoopback(address));
  return [...(hasV4 ? ['udp4' as const] : []), ...(hasV6 && !(isLoop && hasV4) ? ['udp6' as const] : [])];
}
