import { parseTopic } from '@icn/gossip';
import { generateKeyPair } from '@icn/identity';
import { MemoryNetwork } from '@icn/net';
import { describe, expect, it } from '@jest/globals';
import { createNode, MemoryStore } from '../src/index.js';
import { startMemoryNode, take, textOf } from './support/memory-node.js';
import { afterTest, temporaryFolder } from './support/temporary.js';

describe('a consumer', () => {
  it('goes on after what it committed, in this run and in the next', async () => {
    const dataDir = await temporaryFolder();
    const before = await createNode({ dataDir, mdns: false, listen: [] });
    const topic = before.topic('lobby');
    for (const text of ['a', 'b', 'c', 'd']) await topic.publish(text);
    const consumer = await topic.consumer('mailer');
    const [first, second] = await take(consumer.items(), 2);
    await consumer.commit(first!.position);
    // Read and not committed: it comes again.
    expect((await take(consumer.items({ follow: false }), 9)).map(textOf)).toEqual(['b', 'c', 'd']);
    await consumer.commit(second!.position);
    await consumer.commit(first!.position);
    expect(consumer.position).toBe(2);
    await before.close();

    const after = await createNode({ dataDir, mdns: false, listen: [] });
    afterTest(() => after.close());
    const again = await after.topic('lobby').consumer('mailer');
    expect(again.position).toBe(2);
    expect((await take(again.items({ follow: false }), 9)).map(textOf)).toEqual(['c', 'd']);
    const other = await after.topic('lobby').consumer('other');
    expect((await take(other.items({ follow: false }), 9)).map(textOf)).toEqual(['a', 'b', 'c', 'd']);
    expect(Object.fromEntries(await after.topic('lobby').consumers())).toEqual({ mailer: 2, other: 0 });
  });

  it('begins anew once it is forgotten', async () => {
    const node = await startMemoryNode(new MemoryNetwork(), 'ada');
    const topic = node.topic('lobby');
    await topic.publish('a');
    const consumer = await topic.consumer('mailer');
    await consumer.commit(1);
    await consumer.forget();
    expect((await topic.consumer('mailer')).position).toBe(0);
    expect((await take(consumer.items(), 1)).map(textOf)).toEqual(['a']);
  });

  it('commits nothing that was not delivered, nor after the node is closed', async () => {
    const node = await startMemoryNode(new MemoryNetwork(), 'ada');
    const consumer = await node.topic('lobby').consumer('mailer');
    for (const position of [1, -1, 0.5, Number.NaN])
      await expect(consumer.commit(position)).rejects.toThrow(RangeError);
    await node.close();
    await expect(consumer.commit(0)).rejects.toMatchObject({ code: 'node-closed' });
    expect(await take(consumer.items(), 1)).toEqual([]);
  });

  it('has a name of a few plain characters, and there is a bounded number of them', async () => {
    const node = await startMemoryNode(new MemoryNetwork(), 'ada');
    const topic = node.topic('lobby');
    for (const name of ['', '..', 'A', 'a/b', 'x'.repeat(65)])
      await expect(topic.consumer(name)).rejects.toMatchObject({ code: 'consumer-invalid' });
    const names = Array.from({ length: 65 }, (_, index) => `consumer-${index}`);
    const opened = await Promise.allSettled(names.map((name) => topic.consumer(name)));
    expect(opened.filter(({ status }) => status === 'rejected')).toMatchObject([
      { reason: { code: 'consumers-full' } },
    ]);
    await (await topic.consumer('consumer-0')).forget();
    await expect(topic.consumer('consumer-64')).resolves.toMatchObject({ position: 0 });
  });

  it('is told what left the topic, at a position of its own; who reads entries alone is not', async () => {
    const store = new MemoryStore();
    const lobby = parseTopic('lobby');
    const log = { author: generateKeyPair().did, lane: 0, from: 3 } as const;
    const first = await startMemoryNode(new MemoryNetwork(), 'ada', {}, store);
    await first.topic('lobby').publish('a');
    await store.write([{ type: 'withdrawal', topic: lobby, position: 2, log }]);
    await first.close();
    const node = await startMemoryNode(new MemoryNetwork(), 'ada', {}, store);
    const topic = node.topic('lobby');
    const consumer = await topic.consumer('mailer');
    expect(await take(consumer.items({ follow: false }), 9)).toMatchObject([
      { type: 'entry', position: 1, late: false, forked: false },
      { type: 'withdrawn', topic: 'lobby', position: 2, log },
    ]);
    expect((await take(topic.entries({ follow: false }), 9)).map(textOf)).toEqual(['a']);
    await consumer.commit(2);
    await topic.publish('b');
    expect(await take(consumer.items(), 1)).toMatchObject([{ type: 'entry', position: 3 }]);
  });
});
