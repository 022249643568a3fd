import { PROTOCOL } from '@icn/gossip';
import { MemoryNetwork } from '@icn/net';
import { describe, expect, it } from '@jest/globals';
import { MemoryStore } from '../src/index.js';
import { startMemoryNode, take, textOf } from './support/memory-node.js';

describe('publishAll', () => {
  it('publishes one after another, durable, under one signature, and peers get them all', async () => {
    const network = new MemoryNetwork();
    const store = new MemoryStore();
    const ada = await startMemoryNode(network, 'ada', { topics: ['lobby'] }, store);
    const bob = await startMemoryNode(network, 'bob', { topics: ['lobby'], peers: ada.addresses });
    const texts = Array.from({ length: 16 }, (_, index) => `line ${index}`);
    const published = await ada.topic('lobby').publishAll([Buffer.from(texts[0]!), ...texts.slice(1)]);
    expect(published.map(({ seq, durable }) => [seq, durable])).toEqual(
      texts.map((_, index) => [index + 1, true]),
    );
    const stored = await store.read(
      published[0]!.topic,
      published.map(({ id }) => id),
      Infinity,
    );
    expect(new Set(stored.map((parts) => parts!.proof.type))).toEqual(new Set(['batch']));
    expect(new Set(stored.map((parts) => Buffer.from(parts!.proof.signature).toString('hex'))).size).toBe(1);
    expect((await take(bob.topic('lobby').entries(), 16)).map(textOf)).toEqual(texts);
  });

  it('publishes all or nothing', async () => {
    const ada = await startMemoryNode(new MemoryNetwork(), 'ada');
    const lobby = ada.topic('lobby');
    const tooLarge = new Uint8Array(PROTOCOL.payloadBytesMax + 1);
    await expect(lobby.publishAll(['a', tooLarge])).rejects.toMatchObject({ code: 'payload-too-large' });
    await expect(lobby.publishAll(Array<string>(1_025).fill('a'))).rejects.toMatchObject({
      code: 'submission-invalid',
    });
    await expect(lobby.publishAll(['a', 7 as unknown as string])).rejects.toThrow(TypeError);
    expect(await lobby.publishAll([])).toEqual([]);
    expect(ada.status().topics[0]!.entryCount).toBe(0);
    expect(await lobby.publish('b')).toMatchObject({ seq: 1 });
  });
});
