import { nameKey, type DnsMessage, type DnsQuestion, type DnsRecord } from './dns-message.js';
import { hostNameOf, instanceOf, type OwnService } from './own-service.js';
import { serviceTypes } from './service-type.js';

/** What the library is shown of a response, and what is taken back by it. */
export interface SiftedResponse {
  /** Records of our service types alone; `undefined` where none is left. */
  readonly message: DnsMessage | undefined;
  /** Full names of instances. */
  readonly goodbyes: readonly string[];
}

/** What is looked at of one packet: a node says one instance in one, and asks two questions. Guess. */
const instancesMax = 16;
const questionsMax = 16;
const hostRecordsMax = 64;

/** RFC 6763 §9. */
export const enumerationName = '_services._dns-sd._udp.local';

/**
 * The questions of a query that are about our services, once each, without those whose answer the asker knows already
 * (RFC 6762 §7.1); `undefined` where none is left. The library answers each question that it is shown with a packet, and
 * knows nothing of known answers.
 */
export function siftQuery(
  { questions, answers }: DnsMessage,
  own: readonly OwnService[],
  ttlS: number,
): DnsMessage | undefined {
  if (own.length === 0) return undefined;
  const ownNames = own.flatMap((service) => [service.type, instanceOf(service), hostNameOf(service)]);
  const names = new Set([enumerationName, ...ownNames].map(nameKey));
  const wanted = new Map<string, DnsQuestion>();
  for (const { name, type } of questions) {
    const key = nameKey(name);
    if (wanted.size >= questionsMax) break;
    if (names.has(key) && !(type === 'PTR' && isKnown(key, answers, own, ttlS)))
      wanted.set(`${key} ${type}`, { name, type });
  }
  if (wanted.size === 0) return undefined;
  return { type: 'query', questions: [...wanted.values()], answers: [], additionals: [] };
}

/**
 * What a response says of instances of our service types. The library compares each record with each instance, so more than
 * a few instances, and records of others, never come to it. `admit` says whether an instance is to be heard of.
 */
export function siftResponse(
  { answers, additionals, flags = 0 }: DnsMessage,
  admit: (instance: string) => boolean,
): SiftedResponse {
  const records = [...answers, ...additionals];
  const instances = new Map<string, DnsRecord & { readonly type: 'PTR' }>();
  for (const record of records) {
    if (record.type !== 'PTR' || instances.size >= instancesMax) continue;
    if (typeOf(record.data) === nameKey(record.name)) instances.set(nameKey(record.data), asPointer(record));
  }
  const goodbyes = [...instances.values()].filter(({ ttl }) => ttl === 0).map(({ data }) => data);
  for (const [key, { ttl, data }] of instances) if (ttl === 0 || !admit(data)) instances.delete(key);
  if (instances.size === 0) return { message: undefined, goodbyes };
  const details = detailsOf(instances, records);
  const message = { type: 'response', flags, questions: [], answers: [...instances.values()] } as const;
  return { message: { ...message, additionals: [...details, ...hostRecordsOf(details, records)] }, goodbyes };
}

/** The service type of an instance: one label before a type of ours. */
export function typeOf(instance: string): (typeof serviceTypes)[number] | undefined {
  const key = nameKey(instance);
  return serviceTypes.find((type) => key.endsWith(`.${type}`) && key.length > type.length + 1);
}

function isKnown(
  key: string,
  answers: readonly DnsRecord[],
  own: readonly OwnService[],
  ttlS: number,
): boolean {
  const asked = own.filter(({ type }) => type === key);
  const known = answers.filter(({ type, ttl }) => type === 'PTR' && 2 * ttl >= ttlS);
  const targets = new Set(known.map(({ data }) => nameKey(data as string)));
  return asked.length > 0 && asked.every((service) => targets.has(nameKey(instanceOf(service))));
}

function asPointer(record: DnsRecord): DnsRecord & { readonly type: 'PTR' } {
  return record as DnsRecord & { readonly type: 'PTR' };
}

/** The SRV and the TXT record of each instance; of several of one the first. */
function detailsOf(instances: ReadonlyMap<string, unknown>, records: readonly DnsRecord[]): DnsRecord[] {
  const details = new Map<string, DnsRecord>();
  for (const record of records) {
    if ((record.type !== 'SRV' && record.type !== 'TXT') || record.ttl === 0) continue;
    const key = nameKey(record.name);
    if (instances.has(key) && !details.has(`${key} ${record.type}`))
      details.set(`${key} ${record.type}`, record);
  }
  return [...details.values()];
}

function hostRecordsOf(details: readonly DnsRecord[], records: readonly DnsRecord[]): readonly DnsRecord[] {
  const hosts = new Set(details.flatMap((each) => (each.type === 'SRV' ? [nameKey(each.data.target)] : [])));
  const isOfHost = ({ type, name, ttl }: DnsRecord): boolean =>
    (type === 'A' || type === 'AAAA') && ttl > 0 && hosts.has(nameKey(name));
  return records.filter(isOfHost).slice(0, hostRecordsMax);
}
