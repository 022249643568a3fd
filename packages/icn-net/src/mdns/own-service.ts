import { isIPv4 } from 'node:net';
import type { Interface } from './links.js';
import type { TxtRecord } from './service-record.js';
import type { ServiceType } from './service-type.js';

/** A service that this node offers. */
export interface OwnService {
  /** The label of its instance, which nobody else has. */
  readonly name: string;
  readonly type: ServiceType;
  readonly port: number;
  /** Where it listens: an address of this machine, or `0.0.0.0` or `::` for all of them, IPv4 alone or both families. */
  readonly host: string;
  readonly txt: TxtRecord;
}

/** On one interface; with more the packet would not fit into a datagram of 1,452 bytes. */
const hostsMax = 8;

/** A name of its own for each service, because one may listen at fewer addresses than another. */
export function hostNameOf({ name }: OwnService): string {
  return `${name}.local`;
}

export function instanceOf({ name, type }: OwnService): string {
  return `${name}.${type}`;
}

/** Addresses of an interface by which a service can be reached; of other links nothing is said (RFC 6762 §6.2). */
export function hostsOn({ host }: OwnService, { addresses }: Interface): readonly string[] {
  const all = addresses.map(({ address }) => address);
  const isMeant = (address: string): boolean =>
    host === '::' || (host === '0.0.0.0' ? isIPv4(address) : host === address);
  return all.filter(isMeant).slice(0, hostsMax);
}
