import { CLOSE_TEXT_BYTES_MAX, PREFACE, type CloseReason } from '../protocol.js';
import { closeCodeOf, closeNumber, decodeCloseText, encodeCloseText } from '../close-reason.js';

/**
 * The frames that carry many streams over one byte stream: docs/protocol/transport.md, "TLS". A frame is a header and
 * a payload; integers are unsigned, in network byte order.
 *
 * header = type: u8, stream: u48, payload length: u16
 */
export const frameHeaderBytes = 9;

/** With its header, what one record of TLS carries (RFC 8446 §5.1: 2^14 bytes). */
export const dataBytesMax = 16_384 - frameHeaderBytes;

export const frameTypes = {
  /** First on each side, once it accepts the other: `PREFACE`, stream window, connection window, places; u32 each. */
  hello: 0,
  /** Bytes of a stream; on the next number of its opener it opens the stream. */
  data: 1,
  /** The sender's half is over. Opens like data. */
  end: 2,
  /** The sender gives up both halves. */
  reset: 3,
  /** So many more bytes may be sent on the stream: u32. */
  streamRoom: 4,
  /** So many more bytes may be sent on all streams together: u32. */
  connectionRoom: 5,
  /** So many more streams may be opened: u32. */
  places: 6,
  /** Asks for a sign of life: 8 bytes. */
  ping: 7,
  /** The answer: the 8 bytes of the newest ping. */
  pong: 8,
  /** The last frame: close code u8 and a text in UTF-8. May come in place of hello. */
  close: 9,
} as const;

export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

/** Frames of streams, and of the room and places of a connection; data apart, which comes in pieces. */
export type MuxFrameType = Extract<
  FrameType,
  | typeof frameTypes.end
  | typeof frameTypes.reset
  | typeof frameTypes.streamRoom
  | typeof frameTypes.connectionRoom
  | typeof frameTypes.places
>;

interface FrameShape {
  readonly ofStream: boolean;
  readonly bytesMin: number;
  readonly bytesMax: number;
}

const helloBytes = PREFACE.length + 3 * 4;
const shapes: readonly FrameShape[] = [
  { ofStream: false, bytesMin: helloBytes, bytesMax: helloBytes },
  { ofStream: true, bytesMin: 1, bytesMax: dataBytesMax },
  { ofStream: true, bytesMin: 0, bytesMax: 0 },
  { ofStream: true, bytesMin: 0, bytesMax: 0 },
  { ofStream: true, bytesMin: 4, bytesMax: 4 },
  { ofStream: false, bytesMin: 4, bytesMax: 4 },
  { ofStream: false, bytesMin: 4, bytesMax: 4 },
  { ofStream: false, bytesMin: 8, bytesMax: 8 },
  { ofStream: false, bytesMin: 8, bytesMax: 8 },
  { ofStream: false, bytesMin: 1, bytesMax: 1 + CLOSE_TEXT_BYTES_MAX },
];

/** The longest payload of a frame other than data. */
export const smallPayloadBytesMax = 1 + CLOSE_TEXT_BYTES_MAX;

/** Which rule a header breaks, in words, or `undefined`. After that its type is a `FrameType`. */
export function headerViolation(type: number, stream: number, length: number): string | undefined {
  const shape = shapes[type];
  if (shape === undefined) return `unknown frame type ${type}`;
  if (length < shape.bytesMin || length > shape.bytesMax)
    return `a frame of type ${type} with ${length} bytes`;
  if (!shape.ofStream && stream !== 0) return `a frame of type ${type} for stream ${stream}`;
  return undefined;
}

/** What a side tells of itself when it accepts the other. */
export interface Hello {
  /** Bytes that may be sent on each stream at first. */
  readonly streamWindowBytes: number;
  /** Bytes that may be sent on all streams together at first. */
  readonly connectionWindowBytes: number;
  /** Streams that may be opened at first. */
  readonly placeCount: number;
}

export function encodeHello({ streamWindowBytes, connectionWindowBytes, placeCount }: Hello): Buffer {
  const payload = Buffer.alloc(helloBytes);
  payload.set(PREFACE);
  payload.writeUInt32BE(streamWindowBytes, 4);
  payload.writeUInt32BE(connectionWindowBytes, 8);
  payload.writeUInt32BE(placeCount, 12);
  return payload;
}

/** The hello in a payload, which has the right length; `undefined` for other letters or another version. */
export function decodeHello(payload: Buffer): Hello | undefined {
  if (!payload.subarray(0, PREFACE.length).equals(PREFACE)) return undefined;
  return {
    streamWindowBytes: payload.readUInt32BE(4),
    connectionWindowBytes: payload.readUInt32BE(8),
    placeCount: payload.readUInt32BE(12),
  };
}

export function encodeClose({ code, text }: CloseReason): Buffer {
  return Buffer.concat([Uint8Array.of(closeNumber(code)), encodeCloseText(text)]);
}

export function decodeClose(payload: Buffer): CloseReason {
  return { code: closeCodeOf(payload[0] ?? -1), by: 'peer', text: decodeCloseText(payload.subarray(1)) };
}

export function encodeU32(value: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(value);
  return payload;
}
