import { NetError } from '../errors.js';

/** What ICN nodes announce themselves as: over UDP they speak QUIC, over TCP they speak TLS. */
export const serviceTypes = ['_icn._udp.local', '_icn._tcp.local'] as const;

export type ServiceType = (typeof serviceTypes)[number];

/** The scheme of the addresses that a service of each type is dialled by, which its TXT pair `transport` names too. */
export const schemeOfType: Readonly<Record<ServiceType, string>> = {
  '_icn._udp.local': 'quic',
  '_icn._tcp.local': 'tls',
};

/** The service type of a transport; `undefined` of one that is not announced. */
export function serviceTypeOf(scheme: string): ServiceType | undefined {
  return serviceTypes.find((type) => schemeOfType[type] === scheme);
}

/** Throws NetError `address-invalid` for a type that ICN nodes do not announce. */
export function parseServiceType(text: string): ServiceType {
  const type = serviceTypes.find((type) => type === text.toLowerCase());
  if (type === undefined)
    throw new NetError('address-invalid', `${text} is none of the service types ${serviceTypes.join(', ')}`);
  return type;
}
