import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { generateKeyPair, type Did } from '@icn/identity';
import { MemoryNetwork } from '@icn/net';
import { describe, expect, it, jest } from '@jest/globals';
import { ClassicLevel } from 'classic-level';
import { eventually } from '../src/demo/icn-process.js';
import { createNode, MemoryStore, type NodeEvent, type NodeStatus, type NodeOptions } from '../src/index.js';
import { nodesOver, startMemoryNode as startNode, take, textOf } from './support/memory-node.js';
import { afterTest, temporaryFolder } from './support/temporary.js';

describe.each(['memory', 'quic', 'tls'] as const)('a node over %s', (scheme) => {
  const startNode = nodesOver(scheme);

  it('replicates, and gossip does not know over which', async () => {
    const ada = await startNode('ada', { topics: ['lobby'] });
    const bob = await startNode('bob', { topics: ['lobby'], peers: ada.addresses });
    await eventually(
      async () => bob.status(),
      ({ peers }) => peers.length === 1,
      5_000,
    );
    const isInSync = ({ topics }: NodeStatus) => topics[0]!.inSync.length === 1;
    await eventually(async () => ada.status(), isInSync, 5_000);
    await ada.topic('lobby').publish('hello');
    // What is not known to be equal is not called equal (I10).
    expect(isInSync(ada.status())).toBe(false);
    const [entry] = await take(bob.topic('lobby').entries(), 1);
    expect([entry!.author, entry!.seq, entry!.position, textOf(entry!)]).toEqual([ada.did, 1, 1, 'hello']);
  });

  it('does not exchange a byte of a topic with a node of another network', async () => {
    const ada = await startNode('ada', { topics: ['lobby'], network: 'one' });
    const bob = await startNode('bob', {
      topics: ['lobby'],
      network: 'two',
      peers: ada.addresses,
    });
    const events: NodeEvent[] = [];
    bob.subscribe((event) => events.push(event));
    await ada.topic('lobby').publish('for one only');
    const downs = () => events.filter((event) => event.type === 'peer-down');
    await eventually(
      async () => downs(),
      (found) => found.length > 0,
      10_000,
    );
    expect(downs()[0]).toMatchObject({
      reason: { code: 'protocol-error', text: expect.stringContaining('network') },
    });
    expect(bob.status().topics[0]!.entryCount).toBe(0);
  });

  it('goes on with its work where a listener throws, and does not hide what that threw', async () => {
    const thrown: (() => void)[] = [];
    const queue = jest.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => thrown.push(task));
    try {
      const ada = await startNode('ada', { topics: ['lobby'] });
      const unsubscribe = ada.subscribe(({ type }) => {
        throw new Error(`mine, at ${type}`);
      });
      const bob = await startNode('bob', { topics: ['lobby'], peers: ada.addresses });
      await bob.topic('lobby').publish('hello');
      expect((await take(ada.topic('lobby').entries(), 1)).map(textOf)).toEqual(['hello']);
      await expect(ada.topic('lobby').publish('and back')).resolves.toMatchObject({ durable: true });
      unsubscribe();
    } finally {
      queue.mockRestore();
    }
    expect(thrown[0]).toThrow('mine, at peer-up');
    expect(thrown.at(-1)).toThrow('mine, at delivered');
  });
});

describe('a node', () => {
  it('gives each reader every entry once, from where it begins, and ends readers when it closes', async () => {
    const node = await startNode(new MemoryNetwork(), 'ada');
    const topic = node.topic('lobby');
    for (const text of ['a', 'b', 'c']) await topic.publish(text);
    expect((await take(topic.entries({ follow: false }), 9)).map(textOf)).toEqual(['a', 'b', 'c']);
    expect((await take(topic.entries({ follow: false, from: 3 }), 9)).map(textOf)).toEqual(['c']);
    const follower = take(topic.entries({ from: 'end' }), 2);
    // The follower has asked for its first entry once a turn of the event loop has passed.
    await new Promise((resolve) => setImmediate(resolve));
    await topic.publish('d');
    await node.close();
    expect((await follower).map(textOf)).toEqual(['d']);
  });

  it('stops a reader by its signal', async () => {
    const node = await startNode(new MemoryNetwork(), 'ada');
    await node.topic('lobby').publish('a');
    const reading = new AbortController();
    const seen: string[] = [];
    for await (const entry of node.topic('lobby').entries({ signal: reading.signal })) {
      seen.push(textOf(entry));
      reading.abort();
    }
    expect(seen).toEqual(['a']);
  });

  it('tells of a store that fails, rejects what was not written, and closes', async () => {
    class FullStore extends MemoryStore {
      override write(): Promise<void> {
        return Promise.reject(new Error('no space left'));
      }
    }
    const node = await startNode(new MemoryNetwork(), 'ada', {}, new FullStore());
    const events: NodeEvent[] = [];
    node.subscribe((event) => events.push(event));
    await expect(node.topic('lobby').publish('x')).rejects.toMatchObject({ code: 'store-failed' });
    expect(events).toMatchObject([{ type: 'failed', error: { code: 'store-failed' } }]);
    await expect(node.topic('lobby').publish('y')).rejects.toMatchObject({ code: 'store-failed' });
  });

  it('refuses to publish once it is closed', async () => {
    const node = await startNode(new MemoryNetwork(), 'ada');
    const topic = node.topic('lobby');
    await topic.publish('x');
    await node.close();
    await expect(topic.publish('y')).rejects.toMatchObject({ code: 'node-closed' });
  });

  it('leaves nothing behind when it cannot start: the data directory is free again', async () => {
    const dataDir = await temporaryFolder();
    await expect(createNode({ dataDir, mdns: false, listen: ['memory://x:1'] })).rejects.toMatchObject({
      code: 'options-invalid',
    });
    const node = await createNode({ dataDir, mdns: false, listen: [] });
    await node.close();
  });

  it('names every option that is wrong', async () => {
    const options = { listen: ['nowhere'], topics: ['No Topic'], unheardOf: 1 } as NodeOptions;
    await expect(createNode(options)).rejects.toMatchObject({
      code: 'options-invalid',
      message: expect.stringMatching(/listen\.0: .*topics\.0: not a topic.*unheardOf/s),
    });
  });

  it('does not start with a list of blocked peers that it cannot read', async () => {
    const dataDir = await temporaryFolder();
    await writeFile(join(dataDir, 'blocked.json'), '["did:icn:z');
    await expect(createNode({ dataDir, mdns: false, listen: [] })).rejects.toMatchObject({
      code: 'data-dir-unusable',
    });
  });

  it('takes a text or bytes as payload, and a DID as a peer, and nothing else', async () => {
    const node = await startNode(new MemoryNetwork(), 'ada');
    for (const wrong of [42, undefined, { length: 3 }]) {
      await expect(node.topic('lobby').publish(wrong as unknown as string)).rejects.toThrow(TypeError);
    }
    await expect(node.block('nobody' as Did)).rejects.toMatchObject({ code: 'did-invalid' });
    await expect(createNode({ network: 'a b' })).rejects.toMatchObject({ code: 'options-invalid' });
    expect(node.status().blocked).toEqual([]);
  });

  it('keeps every one of many blocks that are asked for at once', async () => {
    const dataDir = await temporaryFolder();
    const node = await createNode({ dataDir, mdns: false, listen: [] });
    const peers = Array.from({ length: 8 }, () => generateKeyPair().did);
    await Promise.all(peers.map((peer) => node.block(peer)));
    await node.close();
    const again = await createNode({ dataDir, mdns: false, listen: [] });
    afterTest(() => again.close());
    expect(again.status().blocked.toSorted()).toEqual(peers.toSorted());
  });

  it('uses the identity that it is given', async () => {
    const keyPair = generateKeyPair();
    expect((await startNode(new MemoryNetwork(), 'ada', { keyPair })).did).toBe(keyPair.did);
  });

  it('ends a reader that is behind, and refuses what comes later, when it closes on a real store', async () => {
    const dataDir = await temporaryFolder();
    const node = await createNode({ dataDir, mdns: false, listen: [] });
    const topic = node.topic('lobby');
    await Promise.all(Array.from({ length: 2_000 }, (_, index) => topic.publish(`${index}`)));
    const readers = Array.from({ length: 4 }, () => take(topic.entries(), 3_000));
    await node.close();
    expect(Math.max(...(await Promise.all(readers)).map(({ length }) => length))).toBeLessThan(2_000);
    expect(await take(topic.entries(), 1)).toEqual([]);
    await expect(node.topic('other').publish('x')).rejects.toMatchObject({ code: 'node-closed' });
  });

  it('goes on with the topics that it holds entries of after a restart, whoever asked for them before', async () => {
    const dataDir = await temporaryFolder();
    const before = await createNode({ dataDir, mdns: false, listen: [], topics: ['lobby'] });
    await before.topic('news').publish('x');
    await before.close();
    const after = await createNode({ dataDir, mdns: false, listen: [], topics: ['lobby'] });
    afterTest(() => after.close());
    expect(after.status().topics.map(({ topic, entryCount }) => [topic, entryCount])).toEqual([
      ['lobby', 0],
      ['news', 1],
    ]);
  });

  it('keeps every peer that is blocked at the same time', async () => {
    const dataDir = await temporaryFolder();
    const before = await createNode({ dataDir, mdns: false, listen: [] });
    const peers = Array.from({ length: 20 }, () => generateKeyPair().did);
    await Promise.all(peers.map((peer) => before.block(peer)));
    await before.close();
    const after = await createNode({ dataDir, mdns: false, listen: [] });
    afterTest(() => after.close());
    expect(after.status().blocked).toEqual(peers);
  });

  it.each([
    ['the last', 599, 600],
    ['more than one batch of readers', 100, 400],
  ])('reads on after damage on disk to %s, and gives no position twice', async (_, start, end) => {
    const dataDir = await temporaryFolder();
    const before = await createNode({ dataDir, mdns: false, listen: [] });
    const texts = Array.from({ length: 600 }, (__, index) => `${index + 1}`);
    const published = await Promise.all(texts.map((text) => before.topic('lobby').publish(text)));
    await before.close();
    const raw = new ClassicLevel<string, Uint8Array>(join(dataDir, 'store'), { valueEncoding: 'view' });
    for (const { id } of published.slice(start, end)) await raw.put(`hlobby\0${id}`, Buffer.from('damaged'));
    await raw.close();
    const keyPair = generateKeyPair();
    const after = await createNode({ dataDir, keyPair, mdns: false, listen: [] });
    afterTest(() => after.close());
    const left = await take(after.topic('lobby').entries({ from: start + 1, follow: false }), 600);
    expect(left.map(textOf)).toEqual(texts.slice(end));
    expect(after.status().counters).toMatchObject({ 'header-malformed': end - start });
    if (end < 600) return;
    await after.topic('lobby').publish('new');
    const [entry] = await take(after.topic('lobby').entries({ from: 600 }), 1);
    expect([textOf(entry!), entry!.position]).toEqual(['new', 601]);
  });
});
