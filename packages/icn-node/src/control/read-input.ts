import { GossipError } from '@icn/gossip';

const NEWLINE = 0x0a;

/**
 * Splits bytes at newlines, and gives the lines that came in one chunk together, at most `togetherMax`; a last line need
 * not end in a newline. A line longer than `lineBytesMax` comes cut to that length, so that memory stays bounded and the
 * reader can refuse it.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  { lineBytesMax, togetherMax }: { readonly lineBytesMax: number; readonly togetherMax: number },
): AsyncGenerator<readonly Uint8Array[]> {
  let lines: Uint8Array[] = [];
  let line: Uint8Array[] = [];
  let byteCount = 0;
  const keep = (part: Uint8Array) => {
    const kept = part.subarray(0, Math.max(0, lineBytesMax - byteCount));
    if (kept.length > 0) line.push(kept);
    byteCount += kept.length;
  };
  const take = () => {
    const taken = lines;
    lines = [];
    return taken;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      keep(chunk.subarray(start, end));
      lines.push(Buffer.concat(line));
      if (lines.length >= togetherMax) yield take();
      line = [];
      byteCount = 0;
      start = end + 1;
    }
    keep(chunk.subarray(start));
    if (lines.length > 0) yield take();
  }
  if (byteCount > 0) yield [Buffer.concat(line)];
}

/** All bytes of an input that is one payload. Throws `GossipError` `payload-too-large`, and reads no further then. */
export async function readAll(chunks: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let byteCount = 0;
  for await (const chunk of chunks) {
    byteCount += chunk.length;
    if (byteCount > bytesMax) {
      throw new GossipError(
        'payload-too-large',
        `the input has more than ${bytesMax} bytes, which is what an entry takes`,
      );
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
