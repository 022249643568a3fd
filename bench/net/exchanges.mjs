/**
 * What goes over the streams, both ends of each exchange, without a clock. What arrives is looked at, so a contender
 * that loses or garbles bytes fails instead of being fast. None but `shortStream` relies on the end of a stream.
 */
import { FrameAssembler } from '@icn/net';

/** @typedef {import('./contender.mjs').BenchConnection} BenchConnection */
/** @typedef {import('./contender.mjs').BenchStream} BenchStream */

const chunkBytes = 64 * 1024;
const messageBytes = 1024;
/** The last byte of the last chunk, and the first of the last message; 0 in all before. */
const lastMark = 1;

/**
 * The listening end of `expectEcho` and `shortStream`.
 *
 * @param {BenchStream} stream
 */
export async function echo(stream) {
  for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read())
    await stream.write(chunk);
  await stream.end();
}

/**
 * @param {BenchStream} stream
 * @param {Uint8Array} bytes
 */
export async function expectEcho(stream, bytes) {
  await stream.write(bytes);
  expectEqual(await readBytes(stream, bytes.length), bytes);
}

/**
 * A stream that is opened, written to, ended, and read to the end of the echo.
 *
 * @param {BenchConnection} connection
 * @param {Uint8Array} bytes
 */
export async function shortStream(connection, bytes) {
  const stream = await connection.openStream();
  await stream.write(bytes);
  await stream.end();
  const chunks = [];
  for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read()) chunks.push(chunk);
  expectEqual(Buffer.concat(chunks), bytes);
}

/**
 * The listening end of `sendBulk`: answers with the number of bytes.
 *
 * @param {BenchStream} stream
 */
export async function countBytes(stream) {
  let count = 0;
  for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read()) {
    count += chunk.length;
    if (chunk.at(-1) === lastMark) return answer(stream, count);
  }
}

/**
 * Returns once the other end has all bytes.
 *
 * @param {BenchStream} stream
 * @param {number} byteCount A multiple of the size of a write, 64 KiB.
 */
export async function sendBulk(stream, byteCount) {
  const chunk = new Uint8Array(chunkBytes);
  const last = new Uint8Array(chunkBytes);
  last[chunkBytes - 1] = lastMark;
  for (let sent = chunkBytes; sent < byteCount; sent += chunkBytes) await stream.write(chunk);
  await stream.write(last);
  await expectCount(stream, byteCount);
}

/**
 * The listening end of `sendMessages`: answers with their number.
 *
 * @param {BenchStream} stream
 */
export async function countMessages(stream) {
  const assembler = new FrameAssembler({ frameBytesMax: messageBytes });
  let count = 0;
  for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read()) {
    for (const frame of assembler.push(chunk)) {
      count += 1;
      if (frame[0] === lastMark) return answer(stream, count);
    }
  }
}

/**
 * Sends messages for so long, each a length (u32), a payload and a write of its own. Returns how many, once the other
 * end has them.
 *
 * @param {BenchStream} stream
 * @param {number} sendMs
 */
export async function sendMessages(stream, sendMs) {
  const message = messageOf(0);
  const untilMs = performance.now() + sendMs;
  let count = 1;
  for (; performance.now() < untilMs; count += 1) await stream.write(message);
  await stream.write(messageOf(lastMark));
  await expectCount(stream, count);
  return count;
}

/** @param {number} mark */
function messageOf(mark) {
  const message = Buffer.alloc(4 + messageBytes);
  message.writeUInt32BE(messageBytes);
  message[4] = mark;
  return message;
}

/**
 * @param {BenchStream} stream
 * @param {number} count
 */
async function answer(stream, count) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(count);
  await stream.write(bytes);
}

/**
 * @param {BenchStream} stream
 * @param {number} count
 */
async function expectCount(stream, count) {
  const counted = Buffer.from(await readBytes(stream, 4)).readUInt32BE();
  if (counted !== count) throw new Error(`${counted} of ${count} arrived`);
}

/**
 * At least so many bytes, in the pieces they come in.
 *
 * @param {BenchStream} stream
 * @param {number} byteCount
 */
async function readBytes(stream, byteCount) {
  /** @type {Uint8Array} */
  let bytes = new Uint8Array(0);
  while (bytes.length < byteCount) {
    const chunk = await stream.read();
    if (chunk === undefined) throw new Error(`the stream ended after ${bytes.length} of ${byteCount} bytes`);
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
  }
  return bytes;
}

/**
 * @param {Uint8Array} received
 * @param {Uint8Array} sent
 */
function expectEqual(received, sent) {
  if (Buffer.compare(received, sent) !== 0) throw new Error('what came back is not what was sent');
}
