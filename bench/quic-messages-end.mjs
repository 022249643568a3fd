/** One end of a stream of messages in a process of its own: `quic-messages-end.mjs KIND receive|send SECONDS`. */
import { once } from 'node:events';
import { ends, messageBytes } from './quic-messages-ends.mjs';

/** How long the receiver waits for what is under way; a layer that loses the end of a stream is not waited for. */
const graceMs = 3000;

const [kind, role, seconds] = process.argv.slice(2);
const end = kind === 'icn' ? ends.icn : ends.jsLayer;
await (role === 'receive' ? receive() : send(Number(seconds)));

async function receive() {
  let received = 0;
  let firstMs = 0;
  let lastMs = 0;
  const port = await end.receive((count) => {
    lastMs = performance.now();
    firstMs ||= lastMs;
    received += count;
  });
  tell({ port });
  const { count } = await told();
  const deadlineMs = performance.now() + graceMs;
  const isWaiting = () => received < Number(count) && performance.now() < deadlineMs;
  while (isWaiting()) await new Promise((resolve) => setTimeout(resolve, 10));
  tell({ received, elapsedMs: lastMs - firstMs });
}

/** @param {number} sendSeconds */
async function send(sendSeconds) {
  const { port } = await told();
  const write = await end.send(Number(port));
  const message = Buffer.alloc(4 + messageBytes, 7);
  message.writeUInt32BE(messageBytes);
  const endMs = performance.now() + sendSeconds * 1000;
  let count = 0;
  for (; performance.now() < endMs; count += 1) await write(message);
  tell({ count });
  await once(process, 'disconnect');
}

/** @param {Record<string, number>} message */
function tell(message) {
  process.send?.(message);
}

/** @returns {Promise<Record<string, unknown>>} */
async function told() {
  const messages = /** @type {Record<string, unknown>[]} */ (await once(process, 'message'));
  return messages[0] ?? {};
}
