import dnsPacket from 'dns-packet';

export interface DnsQuestion {
  readonly name: string;
  /** As dns-packet writes it: `PTR`, `ANY`, `UNKNOWN_65`. */
  readonly type: string;
}

interface RecordHead {
  readonly name: string;
  /** In seconds; 0 takes the record back (RFC 6762 §10.1). */
  readonly ttl: number;
  /** Whether it replaces what else is known of this name and type (RFC 6762 §10.2). */
  readonly flush?: boolean;
}

export type DnsRecord = RecordHead &
  (
    | { readonly type: 'PTR' | 'A' | 'AAAA'; readonly data: string }
    | { readonly type: 'SRV'; readonly data: { readonly target: string; readonly port: number } }
    | { readonly type: 'TXT'; readonly data: readonly Buffer[] }
  );

/** A message with the record types that discovery of services needs. */
export interface DnsMessage {
  readonly type: 'query' | 'response';
  readonly flags?: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** What dns-packet makes of bytes: records of any type, checked for their form. */
interface DecodedMessage {
  readonly type: 'query' | 'response';
  readonly flags: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly (DnsRecord | OtherRecord)[];
  readonly additionals: readonly (DnsRecord | OtherRecord)[];
}

interface OtherRecord {
  readonly type: 'OPT';
}

/** RFC 6762 §17: more never comes in one packet. */
export const messageBytesMax = 9_000;

const headerBytes = 12;
/** A root name, a type and a class: no question is shorter, and no record. */
const entryBytesMin = 5;
/** A name of 125 labels takes 40 µs; an ordinary byte 0.5 µs. */
const entryCost = 80;
const recordTypes: ReadonlySet<string> = new Set(['PTR', 'SRV', 'TXT', 'A', 'AAAA']);

/**
 * What it may cost to read a message, in bytes of an ordinary one: each question and record may name, by pointers, the
 * longest name there is, so that 9,000 bytes take 60 ms. `undefined` for what cannot be one by its header.
 */
export function costOf(bytes: Buffer): number | undefined {
  if (bytes.length < headerBytes) return undefined;
  const count = [4, 6, 8, 10].reduce((sum, offset) => sum + bytes.readUInt16BE(offset), 0);
  // dns-packet makes arrays as long as a header says; this one promises more than follows it.
  return count * entryBytesMin > bytes.length - headerBytes ? undefined : bytes.length + entryCost * count;
}

/** The message, without the records that discovery does not need; `undefined` for what is none. Total. */
export function decodeMessage(bytes: Buffer): DnsMessage | undefined {
  if (costOf(bytes) === undefined) return undefined;
  try {
    const { type, flags, questions, answers, additionals } = dnsPacket.decode(bytes) as DecodedMessage;
    return {
      type,
      flags,
      questions,
      answers: answers.filter(isKnown),
      additionals: additionals.filter(isKnown),
    };
  } catch {
    return undefined;
  }
}

/** Throws where a name cannot be written. */
export function encodeMessage(message: DnsMessage): Buffer {
  return Buffer.from(dnsPacket.encode(message));
}

/** A name as it is compared: without regard to case, of ASCII alone (RFC 6762 §16). */
export function nameKey(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function isKnown(record: DnsRecord | OtherRecord): record is DnsRecord {
  return recordTypes.has(record.type);
}
