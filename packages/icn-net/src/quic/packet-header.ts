/** What RFC 8999 promises of the packets of every version of QUIC: enough to route one, without touching keys. */
export interface PacketHeader {
  readonly form: 'long' | 'short';
  /** The connection id it is for, as a key: one character a byte. */
  readonly destination: string;
  /** Long headers only; 0 for short ones. */
  readonly version: number;
  /** Bits 4 and 5 of the first byte; in version 1 the type of a long header (RFC 9000 §17.2). */
  readonly typeBits: number;
  /** Long headers only: where the source connection id is in the datagram. */
  readonly sourceStart: number;
  readonly sourceEnd: number;
}

export const quicVersion1 = 0x0000_0001;
/** RFC 9000 §17.2.2, §17.2.3. */
export const longHeaderType = { initial: 0, zeroRtt: 1, handshake: 2, retry: 3 } as const;
/** RFC 9000 §14.1: what the first datagram of a client is padded to. */
export const initialDatagramBytesMin = 1200;
/** RFC 9000 §7.2: the least unpredictable id that a client may choose for the server. */
export const initialDestinationBytesMin = 8;

/** The length of the connection ids that we issue: 128 random bits, so that none is guessed or drawn twice. */
export const connectionIdBytes = 16;
/** RFC 9000 §17.2: longer ids belong to no packet of version 1, and keep no room for one here. */
export const connectionIdBytesMax = 20;

/** Reads the invariant part of a packet header; `undefined` where the datagram cannot be QUIC. Total. */
export function parsePacketHeader(datagram: Buffer): PacketHeader | undefined {
  const first = datagram[0];
  if (first === undefined) return undefined;
  const typeBits = (first & 0x30) >> 4;
  if ((first & 0x80) === 0) {
    const end = 1 + connectionIdBytes;
    if (datagram.length <= end) return undefined;
    return {
      form: 'short',
      destination: datagram.toString('latin1', 1, end),
      version: 0,
      typeBits,
      sourceStart: 0,
      sourceEnd: 0,
    };
  }
  const destinationBytes = datagram[5] ?? connectionIdBytesMax + 1;
  const destinationEnd = 6 + destinationBytes;
  const sourceBytes = datagram[destinationEnd] ?? connectionIdBytesMax + 1;
  const sourceEnd = destinationEnd + 1 + sourceBytes;
  if (destinationBytes > connectionIdBytesMax || sourceBytes > connectionIdBytesMax) return undefined;
  if (datagram.length < sourceEnd) return undefined;
  return {
    form: 'long',
    destination: datagram.toString('latin1', 6, destinationEnd),
    version: datagram.readUInt32BE(1),
    typeBits,
    sourceStart: destinationEnd + 1,
    sourceEnd,
  };
}

/**
 * The token of an Initial packet of version 1 (RFC 9000 §17.2.2), empty where it carries none; `undefined` where the datagram
 * ends before it does. Total.
 */
export function parseInitialToken(datagram: Buffer, { sourceEnd }: PacketHeader): Buffer | undefined {
  const first = datagram[sourceEnd];
  if (first === undefined) return undefined;
  // RFC 9000 §16: the two top bits say how many bytes the number has; up to 2^62, which no datagram holds.
  const start = sourceEnd + 2 ** (first >> 6);
  let length = first & 0x3f;
  for (const byte of datagram.subarray(sourceEnd + 1, start)) length = length * 256 + byte;
  return datagram.length < start + length ? undefined : datagram.subarray(start, start + length);
}

/** A connection id as the key under which routes are kept. */
export function connectionIdKey(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
}
