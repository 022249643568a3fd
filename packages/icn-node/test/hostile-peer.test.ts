import { decodeEntry, encodeMessage, parseTopic, type EntryName, type EntryParts } from '@icn/gossip';
import { generateKeyPair } from '@icn/identity';
import {
  createQuicTransport,
  createTlsTransport,
  encodeFrames,
  parseAddress,
  type Connection,
  type Stream,
} from '@icn/net';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../src/demo/icn-process.js';
import { createNode, type IcnNode } from '../src/index.js';
import { entriesOf } from './support/hand-made-entries.js';
import { afterTest } from './support/temporary.js';

const CONTROL = Uint8Array.of(0);
const lobby = parseTopic('lobby');

async function startVictim(scheme: 'quic' | 'tls' = 'quic'): Promise<IcnNode> {
  const node = await createNode({ listen: [`${scheme}://127.0.0.1:0`], topics: ['lobby'], mdns: false });
  afterTest(() => node.close());
  return node;
}

/** A proven peer that says what it likes. */
async function attack(victim: IcnNode): Promise<{ connection: Connection; control: Stream }> {
  const address = parseAddress(victim.addresses[0]!);
  const create = address.scheme === 'quic' ? createQuicTransport : createTlsTransport;
  const transport = create({ keyPair: generateKeyPair() });
  afterTest(() => transport.close());
  const connection = await transport.dial(address);
  const control = await connection.openStream();
  await control.write(CONTROL);
  return { connection, control };
}

const author = generateKeyPair();

function nameOf(parts: EntryParts): EntryName {
  const entry = decodeEntry(parts);
  if (typeof entry === 'string') throw new Error(entry);
  return entry.name;
}

const announcement = (entry: EntryParts, name = nameOf(entry)) =>
  encodeMessage({ type: 'Announcement', topic: lobby, name, entry });

const [good, next] = entriesOf(author, 'icn', 'lobby', ['good', 'next']) as [EntryParts, EntryParts];
const [elsewhere] = entriesOf(author, 'icn', 'kitchen', ['elsewhere']) as [EntryParts];
const [foreign] = entriesOf(author, 'other', 'lobby', ['foreign']) as [EntryParts];
const flipped = Uint8Array.from(good.proof.signature, (byte, index) => (index === 5 ? byte ^ 1 : byte));

describe('what a proven peer may send', () => {
  it.each([
    ['message-malformed', Uint8Array.of(0xff, 0xff)],
    ['message-malformed', new Uint8Array(0)],
    ['message-unknown', Uint8Array.of(0x81, 0x18, 99)],
    ['signature-wrong', announcement({ ...good, proof: { type: 'signature', signature: flipped } })],
    ['payload-wrong', announcement({ ...good, payload: Buffer.from('evil') })],
    ['payload-missing', announcement({ ...good, payload: undefined })],
    ['name-wrong', announcement(good, { ...nameOf(good), id: nameOf(next).id })],
    ['name-wrong', announcement(good, { ...nameOf(good), seq: 7 })],
    ['header-malformed', announcement({ ...good, header: good.header.slice(1) }, nameOf(good))],
    ['topic-wrong', announcement(elsewhere)],
    ['network-wrong', announcement(foreign)],
  ])('is counted as %s, and the next good entry is taken', async (counter, frame) => {
    const victim = await startVictim();
    const { control } = await attack(victim);
    await control.write(encodeFrames([frame, announcement(good)]));
    const status = await eventually(
      async () => victim.status(),
      ({ topics }) => topics[0]?.entryCount === 1,
      10_000,
    );
    expect(status.counters[counter]).toBe(1);
    expect(status.peers).toHaveLength(1);
  });

  it.each<['quic' | 'tls', string, string, Uint8Array]>([
    ['quic', 'of 1 GiB is declared', 'frame-too-large', Uint8Array.of(0x40, 0, 0, 0, 1, 2, 3)],
    ['tls', 'of 1 GiB is declared', 'frame-too-large', Uint8Array.of(0x40, 0, 0, 0, 1, 2, 3)],
    ['quic', 'has no end', 'frame-truncated', Uint8Array.of(0, 0, 0, 9, 1, 2, 3)],
    ['tls', 'has no end', 'frame-truncated', Uint8Array.of(0, 0, 0, 9, 1, 2, 3)],
  ])(
    'over %s costs the connection where a frame %s, and nobody else',
    async (scheme, _what, counter, bytes) => {
      const victim = await startVictim(scheme);
      const { connection, control } = await attack(victim);
      const honest = await attack(victim);
      const { arrayBuffers } = process.memoryUsage();
      await control.write(bytes);
      if (counter === 'frame-truncated') await control.end();
      expect(await connection.closed).toMatchObject({
        code: 'protocol-error',
        by: 'peer',
        text: expect.stringContaining('frame'),
      });
      expect(victim.status().counters).toMatchObject({ [counter]: 1 });
      expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(64 << 20);
      await honest.control.write(encodeFrames([announcement(good)]));
      await eventually(
        async () => victim.status(),
        ({ topics }) => topics[0]?.entryCount === 1,
        10_000,
      );
    },
  );

  it('costs the stream where it says no lane, and nothing else', async () => {
    const victim = await startVictim();
    const { connection, control } = await attack(victim);
    const odd = await connection.openStream();
    await odd.write(Uint8Array.of(77));
    await expect(readToEnd(odd)).rejects.toMatchObject({ code: 'stream-reset' });
    expect(victim.status().counters).toMatchObject({ 'lane-unknown': 1 });
    await control.write(encodeFrames([announcement(good)]));
    await eventually(
      async () => victim.status(),
      ({ topics }) => topics[0]?.entryCount === 1,
      10_000,
    );
  });
});

async function readToEnd(stream: Stream): Promise<void> {
  while ((await stream.read()) !== undefined) continue;
  await new Promise(() => undefined);
}
