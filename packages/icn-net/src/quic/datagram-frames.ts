import { smallRandomBytes } from './random-pool.js';

/** What the DATAGRAM frames of a connection say (RFC 9221); docs/protocol/transport.md has the grammar. */
const kinds = { probe: 1, answer: 2, 'early-question': 3, 'early-answer': 4 } as const;
const kindByNumber: ReadonlyMap<number, keyof typeof kinds> = new Map(
  Object.entries(kinds).map(([kind, number]) => [number, kind as keyof typeof kinds]),
);

export interface DatagramFrame {
  readonly kind: keyof typeof kinds;
  /** Of a question, what its answer repeats: 64 random bits, which nobody knows whom the question did not reach. */
  readonly token: string;
  readonly body: Uint8Array;
}

const tokenBytes = 8;
const headerBytes = 1 + tokenBytes;

export function createToken(): string {
  return smallRandomBytes(tokenBytes).toString('latin1');
}

export function encodeDatagramFrame({ kind, token, body }: DatagramFrame): Buffer {
  const frame = Buffer.alloc(headerBytes + body.length);
  frame.writeUInt8(kinds[kind], 0);
  frame.write(token, 1, 'latin1');
  frame.set(body, headerBytes);
  return frame;
}

/** Bytes of a frame with this body. */
export function datagramFrameBytes(bodyBytes: number): number {
  return headerBytes + bodyBytes;
}

/** `undefined` for what this version does not know. Total. */
export function parseDatagramFrame(bytes: Uint8Array): DatagramFrame | undefined {
  const kind = kindByNumber.get(bytes[0] ?? 0);
  if (kind === undefined || bytes.length < headerBytes) return undefined;
  const token = Buffer.from(bytes.buffer, bytes.byteOffset + 1, tokenBytes).toString('latin1');
  return { kind, token, body: bytes.subarray(headerBytes) };
}
