import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import type { ControlledNode } from '../src/demo/controlled-node.js';
import { eventually } from '../src/demo/icn-process.js';
import { oneProcess, processesOver, type Place } from './support/places.js';
import { afterTest, quietOn, startNode, temporaryFolder } from './support/temporary.js';

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

/** `icn tail` in a process of its own; the ids it has printed so far. */
function tail(node: ControlledNode, topic: string): { ids: string[] } {
  const child = spawn(process.execPath, [cli, 'tail', topic, '--json', '--data-dir', node.dataDir]);
  const ids: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) ids.push((JSON.parse(line) as { id: string }).id);
  });
  afterTest(async () => child.kill());
  return { ids };
}

const topicOf = async (node: ControlledNode, topic = 'lobby') =>
  (await node.status()).topics.find((found) => found.topic === topic)!;

const numbered = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name} ${index + 1}`);

async function pairIn(place: Place): Promise<[ControlledNode, ControlledNode]> {
  const a = await place.start();
  const b = await place.start({ peer: a.address });
  await Promise.all([a.line(({ type }) => type === 'peer-up'), b.line(({ type }) => type === 'peer-up')]);
  return [a, b];
}

describe.each([
  ['quic, each in a process', () => processesOver('quic')],
  ['tls, each in a process', () => processesOver('tls')],
  ['memory, in one process', oneProcess],
])('two nodes joined by --peer over %s', (_, createPlace) => {
  const place = createPlace();
  const pair = () => pairIn(place);

  it('carry an entry from either to the other, and tell it as it comes', async () => {
    const [a, b] = await pair();
    const fromA = await a.publish('lobby', 'from a');
    const fromB = await b.publish('lobby', 'from b');
    expect(await b.line(({ id }) => id === fromA.id)).toMatchObject({
      type: 'entry',
      author: a.did,
      seq: 1,
      payload: 'from a',
    });
    expect(await a.line(({ id }) => id === fromB.id)).toMatchObject({
      type: 'entry',
      author: b.did,
      seq: 1,
      payload: 'from b',
    });
    expect((await b.entries('lobby')).map(({ id }) => id)).toContain(fromA.id);
  });

  it('hold the same within 5 s after a cut with 200 entries on each side, and nothing twice', async () => {
    const [a, b] = await pair();
    const tails = [tail(a, 'lobby'), tail(b, 'lobby')];
    await a.block(b.did);
    await b.line(({ type }) => type === 'peer-down');
    await Promise.all([
      a.publishLines('lobby', numbered('a', 200)),
      b.publishLines('lobby', numbered('b', 200)),
    ]);
    expect((await topicOf(a)).entries).toBe(200);
    expect((await topicOf(b)).entries).toBe(200);
    expect((await topicOf(a)).root).not.toBe((await topicOf(b)).root);

    await a.unblock(b.did);
    const ask = () => Promise.all([topicOf(a), topicOf(b)]);
    await eventually(ask, ([x, y]) => x.entries === 400 && y.entries === 400 && x.root === y.root, 5_000);
    for (const { ids } of tails) {
      await eventually(
        async () => ids.length,
        (count) => count >= 400,
        5_000,
      );
      expect(new Set(ids).size).toBe(400);
      expect(ids).toHaveLength(400);
    }
  });

  it('keeps a blocked peer out, also after a restart, until it is unblocked', async () => {
    const [a, b] = await pair();
    await a.block(b.did);
    await b.line(({ type }) => type === 'peer-down');
    await a.end();
    const { port } = new URL(a.address.replace(`${place.scheme}:`, 'http:'));
    const again = await place.start({ dataDir: a.dataDir, port });
    expect((await again.status()).blocked).toEqual([b.did]);
    await eventually(
      () => again.status(),
      ({ counters }) => (counters['refused-blocked'] ?? 0) > 0,
      10_000,
    );
    expect((await again.status()).peers).toEqual([]);
    await again.unblock(b.did);
    await again.line(({ type, did }) => type === 'peer-up' && did === b.did);
  });

  it('refuses a peer that is not who it should be, says so, and lives', async () => {
    const a = await place.start();
    const stranger = 'did:icn:zDvj1iUFTe7PraSX8vLgv9s3ECTZ6ZhQXWgxvhZ89CejK';
    const b = await place.start({ peer: a.address.replace(a.did, stranger) });
    const warning = await b.line(({ type }) => type === 'warning');
    expect(warning.message).toContain(stranger);
    expect((await b.status()).peers).toEqual([]);
    expect((await b.publish('lobby', 'x')).durable).toBe(true);
  });

  it('take a peer back that was killed and comes again, before they have missed it', async () => {
    const [a, b] = await pair();
    await a.publish('lobby', 'before');
    await b.line(({ type }) => type === 'entry');
    await a.end('SIGKILL');
    const again = await place.start({ dataDir: a.dataDir, peer: b.address });
    const { id } = await again.publish('lobby', 'after');
    await b.line((line) => line.id === id);
    expect(b.lines.filter(({ type }) => type.startsWith('peer')).map(({ type }) => type)).toEqual([
      'peer-up',
      'peer-down',
      'peer-up',
    ]);
    expect((await b.entries('lobby')).map(({ seq }) => seq)).toEqual([1, 2]);
  });
});

describe('two nodes over different transports', () => {
  it('are joined by the one that the address names', async () => {
    const a = await startNode(await temporaryFolder(), ...quietOn('quic'), '--listen', 'tls://127.0.0.1:0');
    const schemes = (await a.status()).addresses.map((address) => new URL(address).protocol);
    expect(schemes).toEqual(['quic:', 'tls:']);
    const b = await startNode(await temporaryFolder(), ...quietOn('tls'), '--peer', a.address);
    const { id } = await a.publish('lobby', 'over quic, for that is what --peer says');
    await b.line((line) => line.id === id);
    expect((await b.status()).peers.map(({ address }) => new URL(address).protocol)).toEqual(['quic:']);
  });
});

describe('two nodes without --peer', () => {
  it.each(['quic', 'tls'])('find each other by mDNS, both ways, over %s', async (scheme) => {
    const network = ['--listen', `${scheme}://127.0.0.1:0`];
    const a = await startNode(await temporaryFolder(), ...network);
    const b = await startNode(await temporaryFolder(), ...network);
    await Promise.all([a.line(({ did }) => did === b.did), b.line(({ did }) => did === a.did)]);
    const { id } = await a.publish('lobby', 'hello');
    await b.line((line) => line.id === id);
    const at = (await b.status()).peers.find(({ did }) => did === a.did)?.address ?? '';
    expect(new URL(at).protocol).toBe(`${scheme}:`);
  });
});
