import { lookup } from 'node:dns/promises';
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { NetError } from './errors.js';

/** One end of a path: a literal IP address and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** The literal addresses of a host name, as the system orders them; of a literal address, itself. Throws NetError `code`. */
export async function resolveHost(
  host: string,
  code: 'dial-failed' | 'address-unavailable',
): Promise<readonly string[]> {
  if (isIPv4(host) || isIPv6(host)) return [host];
  try {
    const found = await lookup(host, { all: true, verbatim: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch (cause) {
    throw new NetError(code, `cannot find the address of ${host}`, { cause });
  }
}

/**
 * Where a socket can be reached: its own address, or for a wildcard every address of this machine of its family, those
 * that others can dial first. Link-local IPv6 addresses are left out: they mean nothing without the name of an interface.
 */
export function reachableHosts(host: string): readonly string[] {
  if (host !== '0.0.0.0' && host !== '::') return [host];
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const usable = all.filter(
    ({ family, address }) => family === 'IPv4' || (host === '::' && !address.startsWith('fe80:')),
  );
  return [...usable.filter(({ internal }) => !internal), ...usable.filter(({ internal }) => internal)].map(
    ({ address }) => address,
  );
}

/**
 * The address by which a socket bound to `local` can send to `host`, or `undefined` if it cannot: `::` reaches IPv4
 * by its mapped addresses (RFC 4291 §2.5.5.2), loopback reaches loopback alone.
 */
export function reachFrom(local: HostPort, host: string): string | undefined {
  if (local.host === '::') return isIPv4(host) ? `::ffff:${host}` : host;
  if (isIPv6(local.host) !== isIPv6(host)) return undefined;
  if (local.host === '0.0.0.0') return host;
  return isLoopback(local.host) === isLoopback(host) ? host : undefined;
}

/** An IPv4 address as people write it, where a dual-stack socket shows it mapped into IPv6. */
export function unmapped(host: string): string {
  return host.startsWith('::ffff:') ? host.slice('::ffff:'.length) : host;
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}
