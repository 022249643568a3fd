import { generateKeyPair } from '@icn/identity';
import { MemoryNetwork } from '@icn/net';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../src/demo/icn-process.js';
import { createNode, type IcnNode, type NodeEvent } from '../src/index.js';
import { startMemoryNode, take, textOf } from './support/memory-node.js';
import { afterTest, temporaryFolder } from './support/temporary.js';

const topicsOf = (node: IcnNode) => node.status().topics.map(({ topic }) => topic);

describe('a topic that is left', () => {
  it('is followed no more, also after a restart, until it is used again; its entries stay', async () => {
    const dataDir = await temporaryFolder();
    const options = { dataDir, mdns: false, listen: [] };
    const before = await createNode({ ...options, topics: ['news'] });
    await before.topic('lobby').publish('a');
    const reader = take(before.topic('lobby').entries(), 9);
    await before.leave('lobby');
    expect((await reader).map(textOf)).toEqual(['a']);
    expect([topicsOf(before), before.follows('lobby')]).toEqual([['news'], false]);
    await before.close();

    const between = await createNode(options);
    expect(topicsOf(between)).toEqual([]);
    await between.topic('lobby').publish('b');
    await between.close();

    const after = await createNode(options);
    afterTest(() => after.close());
    const entries = await take(after.topic('lobby').entries({ follow: false }), 9);
    expect(entries.map(({ position, seq }) => [position, seq])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(topicsOf(after)).toEqual(['lobby']);
  });

  it('loses no entry and gives no position twice when it is left and used again while it publishes', async () => {
    const node = await startMemoryNode(new MemoryNetwork(), 'ada');
    const topic = node.topic('lobby');
    const publish = (count: number) => Array.from({ length: count }, (_, index) => topic.publish(`${index}`));
    const first = Promise.all(publish(50));
    await topic.publish('x');
    const leaving = node.leave('lobby');
    const second = Promise.allSettled(publish(50));
    await Promise.all([first, leaving]);
    const published = (await second).filter(({ status }) => status === 'fulfilled').length;
    const entries = await take(topic.entries({ follow: false }), 200);
    expect(entries.map(({ position }) => position)).toEqual(entries.map((_, index) => index + 1));
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    expect(entries).toHaveLength(51 + published);
  });

  it('is refused where it is not followed', async () => {
    const node = await startMemoryNode(new MemoryNetwork(), 'ada');
    await expect(node.leave('lobby')).rejects.toMatchObject({ code: 'request-refused' });
  });
});

describe('a node', () => {
  it('warns once of another with its identity, and does not block itself', async () => {
    const network = new MemoryNetwork();
    const keyPair = generateKeyPair();
    const ada = await startMemoryNode(network, 'ada', { keyPair });
    const events: NodeEvent[] = [];
    ada.subscribe((event) => events.push(event));
    await expect(ada.block(ada.did)).rejects.toMatchObject({ code: 'own-did' });
    ada.connect('memory://ada:1');
    await eventually(
      async () => ada.status().counters['refused-own-did'] ?? 0,
      (count) => count > 0,
      5_000,
    );
    const isOfTwin = (event: NodeEvent) =>
      event.type === 'warning' && /identity of this one/.test(event.message);
    expect(events.filter(isOfTwin)).toEqual([]);
    const twin = await startMemoryNode(network, 'bob', { keyPair });
    for (let count = 0; count < 2; count++) twin.connect('memory://ada:1');
    await eventually(
      async () => twin.status().counters['refused-own-did'] ?? 0,
      (count) => count > 1,
      5_000,
    );
    expect(events.filter(isOfTwin)).toHaveLength(1);
  });

  it('says how it reconciles, and takes no way that it does not know', async () => {
    const node = await startMemoryNode(new MemoryNetwork(), 'ada', { reconcile: 'bloom' });
    expect(node.status().reconcile).toBe('bloom');
    await expect(createNode({ reconcile: 'guess' as 'auto' })).rejects.toMatchObject({
      code: 'options-invalid',
      message: expect.stringContaining('reconcile'),
    });
  });

  it('reads so many of the last positions', async () => {
    const node = await startMemoryNode(new MemoryNetwork(), 'ada');
    const topic = node.topic('lobby');
    for (const text of ['a', 'b', 'c']) await topic.publish(text);
    const last = async (count: number) =>
      (await take(topic.entries({ last: count, follow: false }), 9)).map(textOf);
    expect(await last(2)).toEqual(['b', 'c']);
    expect(await last(0)).toEqual([]);
    expect(await last(99)).toEqual(['a', 'b', 'c']);
    await expect(last(-1)).rejects.toThrow(RangeError);
  });
});
