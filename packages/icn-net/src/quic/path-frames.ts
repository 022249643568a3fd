import { randomBytes } from 'node:crypto';

/** What the DATAGRAM frames of a connection say (RFC 9221); docs/protocol/transport.md has the grammar. */
const frameKinds = { probe: 1, answer: 2 } as const;

export interface PathFrame {
  readonly kind: keyof typeof frameKinds;
  /** Of a probe, what its answer repeats: 64 random bits, which nobody knows whom the probe did not reach. */
  readonly token: string;
}

const tokenBytes = 8;
const headerBytes = 1 + tokenBytes;

export function createToken(): string {
  return randomBytes(tokenBytes).toString('latin1');
}

/** A frame, padded with zeros to `bytes`. */
export function encodePathFrame({ kind, token }: PathFrame, bytes = headerBytes): Buffer {
  const frame = Buffer.alloc(Math.max(bytes, headerBytes));
  frame.writeUInt8(frameKinds[kind], 0);
  frame.write(token, 1, 'latin1');
  return frame;
}

/** `undefined` for what this version does not know. Total. */
export function parsePathFrame(frame: Uint8Array): PathFrame | undefined {
  if (frame.length < headerBytes) return undefined;
  const kind =
    frame[0] === frameKinds.probe ? 'probe' : frame[0] === frameKinds.answer ? 'answer' : undefined;
  if (kind === undefined) return undefined;
  const token = Buffer.from(frame.buffer, frame.byteOffset + 1, tokenBytes).toString('latin1');
  return { kind, token };
}
