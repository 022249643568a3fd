import { isIPv4 } from 'node:net';
import { nameKey, type DnsMessage, type DnsRecord } from './dns-message.js';
import { enumerationName } from './heard-rules.js';
import type { Interface } from './links.js';
import { hostNameOf, hostsOn, instanceOf, type OwnService } from './own-service.js';

/**
 * How long others may believe us after we fall silent, in seconds. RFC 6762 §10 recommends 120 s for what names a host and
 * 75 min for the rest, the library says 8 h; a node that was killed is to be gone everywhere within 90 s.
 */
export const ownTtlS = 75;

/**
 * A query as it goes out: our own instances are known answers, so that neither we nor another node here answers what
 * everybody knows who we are.
 */
export function shapeQuery(query: DnsMessage, own: readonly OwnService[]): DnsMessage {
  const asked = new Set(query.questions.map(({ name }) => nameKey(name)));
  const answers = own
    .filter(({ type }) => asked.has(type))
    .map((service): DnsRecord => {
      return { type: 'PTR', name: service.type, ttl: ownTtlS, data: instanceOf(service) };
    });
  return { ...query, answers };
}

/**
 * A response as it goes out by a link: no TTL above ours, what only we say replaces what was said before, and hosts have the
 * addresses of this link. A goodbye takes back our instances, not the service type, which others offer too.
 */
export function shapeResponse(
  { type, flags = 0, questions, answers, additionals }: DnsMessage,
  link: Interface,
  own: readonly OwnService[],
): DnsMessage {
  const shape = (records: readonly DnsRecord[]): DnsRecord[] => [
    ...records.flatMap((record) => shapeRecord(record)),
    ...hostRecords(records, link, own),
  ];
  const shaped = shape(answers);
  return { type, flags, questions, answers: shaped, additionals: shape(additionals) };
}

function shapeRecord(record: DnsRecord): DnsRecord[] {
  if (record.type === 'A' || record.type === 'AAAA') return [];
  if (record.ttl === 0 && nameKey(record.name) === enumerationName) return [];
  return [{ ...record, ttl: Math.min(record.ttl, ownTtlS), flush: record.type !== 'PTR' }];
}

/** The addresses of the hosts that these records name, on a link. */
function hostRecords(
  records: readonly DnsRecord[],
  link: Interface,
  own: readonly OwnService[],
): readonly DnsRecord[] {
  const ttlOf = new Map<string, number>();
  for (const record of records) {
    if (record.type === 'SRV') ttlOf.set(nameKey(record.data.target), record.ttl);
    else if (record.type === 'A' || record.type === 'AAAA') ttlOf.set(nameKey(record.name), record.ttl);
  }
  return own.flatMap((service) => {
    const name = hostNameOf(service);
    const ttl = ttlOf.get(nameKey(name));
    if (ttl === undefined) return [];
    return hostsOn(service, link).map((data): DnsRecord => {
      return { type: isIPv4(data) ? 'A' : 'AAAA', name, ttl: Math.min(ttl, ownTtlS), flush: true, data };
    });
  });
}
