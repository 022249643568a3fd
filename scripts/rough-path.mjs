// `pnpm rough-path [--megabytes N] [--loss P] [--delay MS] [--jitter MS] [--duplicates P] [--rebinds N] [--seed N] [--json]`:
// one stream over QUIC through a path that loses, delays, reorders and duplicates datagrams, and through a NAT that gives
// the sender another port again and again. What arrives must be what was sent, over one connection.

import { createHash, randomFillSync } from 'node:crypto';
import { parseArgs } from 'node:util';

import { build } from './build.mjs';

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '100' },
    loss: { type: 'string', default: '0.05' },
    delay: { type: 'string', default: '50' },
    jitter: { type: 'string', default: '10' },
    duplicates: { type: 'string', default: '0.01' },
    rebinds: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const byteCount = Number(values.megabytes) * 1_000_000;
const rebindsMax = Number(values.rebinds);

const built = await build();
if (!built.succeeded) throw new Error(built.output);
const identity = await import('../packages/icn-identity/dist/index.js');
const { generateKeyPair } = /** @type {typeof import('../packages/icn-identity/src/index.js')} */ (
  /** @type {unknown} */ (identity)
);
const { createQuicTransport } = await import('../packages/icn-net/dist/index.js');
const { UdpProxy } = await import('../packages/icn-net/dist/conformance/index.js');

const [accepting, dialling] = [generateKeyPair(), generateKeyPair()].map((keyPair) =>
  createQuicTransport({ keyPair }),
);
if (accepting === undefined || dialling === undefined) throw new TypeError('two transports');
const listener = await accepting.listen({ host: '127.0.0.1', port: 0 });
const proxy = await UdpProxy.to(
  listener.addresses[0]?.port ?? 0,
  {
    lossShare: Number(values.loss),
    duplicateShare: Number(values.duplicates),
    delayMs: Number(values.delay),
    jitterMs: Number(values.jitter),
  },
  Number(values.seed),
);
const [sent, received] = [createHash('sha256'), createHash('sha256')];
let [receivedCount, connectionCount, rebindCount, closedCount] = [0, 0, 0, 0];
const startMs = performance.now();
try {
  await Promise.all([receive(), send()]);
} finally {
  const seconds = (performance.now() - startMs) / 1_000;
  const isIntact = receivedCount === byteCount && received.digest('hex') === sent.digest('hex');
  report({ isIntact, bytes: receivedCount, seconds, connections: connectionCount, rebinds: rebindCount });
  process.exitCode = isIntact && connectionCount === 1 && closedCount === 0 ? 0 : 1;
  await Promise.all([accepting.close(), dialling.close()]);
  proxy.close();
}

async function send() {
  const connection = await dialling?.dial({ scheme: 'quic', host: '127.0.0.1', port: proxy.port });
  if (connection === undefined) return;
  const over = connection.closed.then(({ code, text }) => {
    closedCount += 1;
    throw new Error(`the connection ended: ${code} ${text}`);
  });
  await Promise.race([write(await connection.openStream()), over]);
}

/** @param {import('../packages/icn-net/dist/index.js').Stream} stream */
async function write(stream) {
  const chunk = new Uint8Array(65_536);
  for (let left = byteCount; left > 0; left -= chunk.length) {
    randomFillSync(chunk);
    const bytes = chunk.subarray(0, Math.min(left, chunk.length));
    sent.update(bytes);
    await stream.write(bytes);
  }
  await stream.end();
  await stream.read();
}

/** Until the first stream of the last connection is over. */
async function receive() {
  for await (const connection of listener) {
    connectionCount += 1;
    for await (const stream of connection.streams()) {
      for (let bytes = await stream.read(); bytes !== undefined; bytes = await stream.read())
        await take(bytes);
      await stream.end();
      return;
    }
  }
}

/** @param {Uint8Array} bytes */
async function take(bytes) {
  received.update(bytes);
  receivedCount += bytes.length;
  if (process.stderr.isTTY)
    process.stderr.write(`\r${Math.round(receivedCount / 1e6)} MB, ${rebindCount} rebinds`);
  if (rebindCount === rebindsMax || receivedCount < ((rebindCount + 1) * byteCount) / (rebindsMax + 2))
    return;
  rebindCount += 1;
  await proxy.rebind();
}

/** @param {{ isIntact: boolean, bytes: number, seconds: number, connections: number, rebinds: number }} result */
function report(result) {
  if (values.json) return console.log(JSON.stringify({ ...result, datagrams: proxy.counts }));
  const { lost, duplicated, passed } = proxy.counts;
  console.log(
    `${result.isIntact ? 'intact' : 'NOT INTACT'}: ${result.bytes} bytes in ${result.seconds.toFixed(1)} s`,
  );
  console.log(`${result.connections} connection, ${result.rebinds} changes of the sender's port`);
  console.log(`${passed} datagrams passed, ${duplicated} of them twice, ${lost} were lost`);
}
