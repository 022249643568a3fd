import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKeyPair, type KeyPair } from '@icn/identity';
import { formatLine, signStatement, type StatementContent } from '@icn/identity/trust';
import { MemoryNetwork } from '@icn/net';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../src/demo/icn-process.js';
import { TrustRecord, type TrustRecordOptions } from '../src/trust/trust-record.js';
import { startMemoryNode } from './support/memory-node.js';
import { afterTest, temporaryFolder } from './support/temporary.js';

const [self, ada, bob, cem] = Array.from({ length: 4 }, generateKeyPair) as [
  KeyPair,
  KeyPair,
  KeyPair,
  KeyPair,
];

async function openRecord(options: Partial<TrustRecordOptions> = {}): Promise<TrustRecord> {
  const given = {
    keyPair: self,
    network: 'icn',
    dataDir: undefined,
    strangers: 'isolated',
    ...options,
  } as const;
  const record = await TrustRecord.open(given);
  afterTest(() => record.close());
  return record;
}

function lineOf(issuer: KeyPair, subject: KeyPair, change: Partial<StatementContent> = {}): string {
  const timestampMs = Date.now();
  const [expiresMs, sequence] = [timestampMs + 60_000, timestampMs];
  const content = { network: 'icn', subject: subject.did, score: 1_000, sequence, timestampMs, expiresMs };
  return formatLine(signStatement(issuer, { ...content, ...change }));
}

async function* linesOf(...lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

describe('the trust of a node', () => {
  it('is there again after a restart: what it said, what it took back, and what it imported', async () => {
    const dataDir = await temporaryFolder();
    const before = await openRecord({ dataDir });
    await before.set(ada.did, 900);
    await before.set(cem.did, 500);
    await before.revoke(cem.did);
    await before.set(ada.did, 800);
    await before.import(linesOf(lineOf(ada, bob)));
    const told = [ada, bob, cem].map(({ did }) => before.explain(did));
    expect(told.map(({ score }) => score)).toEqual([800, 480, 0]);
    const lines = before.exportLines();
    await before.close();
    const after = await openRecord({ dataDir });
    expect([ada, bob, cem].map(({ did }) => after.explain(did))).toEqual(told);
    expect(after.exportLines()).toEqual(lines);
    // Another network on the same folder knows nothing of it.
    await after.close();
    const elsewhere = await openRecord({ dataDir, network: 'other' });
    expect(elsewhere.exportLines()).toEqual([]);
  });

  it('lets no older statement of its own come back, not even from a backup', async () => {
    const record = await openRecord();
    await record.set(ada.did, 1_000);
    const backup = record.exportLines();
    await record.set(ada.did, 0);
    await expect(record.import(linesOf(...backup))).resolves.toEqual({
      counts: { outdated: 1 },
      refused: [],
    });
    expect(record.explain(ada.did)).toMatchObject({ score: 0, basis: 'own' });
    // Who begins anew with the same key says things that are newer than the backup.
    const anew = await openRecord();
    await anew.set(ada.did, 100);
    await anew.import(linesOf(...backup));
    expect(anew.explain(ada.did)).toMatchObject({ score: 100 });
  });

  it('keeps what was good of an input that breaks off', async () => {
    const dataDir = await temporaryFolder();
    const record = await openRecord({ dataDir });
    async function* breaking(): AsyncGenerator<string> {
      yield lineOf(ada, bob);
      throw new Error('gone');
    }
    await expect(record.import(breaking())).rejects.toThrow('gone');
    await record.close();
    expect((await openRecord({ dataDir })).exportLines()).toHaveLength(1);
  });

  it('changes nothing once it is closed, nor takes what it cannot write for kept', async () => {
    const dataDir = await temporaryFolder();
    const record = await openRecord({ dataDir });
    await record.close();
    await expect(record.set(ada.did, 900)).rejects.toMatchObject({ code: 'node-closed' });
    await expect(record.import(linesOf(lineOf(ada, bob)))).rejects.toMatchObject({ code: 'node-closed' });
    expect(record.exportLines()).toEqual([]);
    // An import that was under way when the node closed.
    const open = await openRecord({ dataDir });
    async function* closing(): AsyncGenerator<string> {
      yield lineOf(ada, bob);
      await open.close();
    }
    await expect(open.import(closing())).rejects.toMatchObject({ code: 'store-failed' });
  });

  it('exports its own word apart', async () => {
    const record = await openRecord();
    await record.set(ada.did, 900);
    await record.import(linesOf(lineOf(ada, bob)));
    expect(record.exportLines()).toHaveLength(2);
    expect(record.exportLines(true)).toHaveLength(1);
  });

  it('does not vouch for itself, nor take back what it never said', async () => {
    const record = await openRecord();
    await expect(record.set(self.did, 1_000)).rejects.toMatchObject({ code: 'own-did' });
    await expect(record.revoke(ada.did)).rejects.toMatchObject({ code: 'request-refused' });
    await record.set(ada.did, 0);
    await record.revoke(ada.did);
    await expect(record.revoke(ada.did)).rejects.toMatchObject({ code: 'request-refused' });
    await expect(record.set(ada.did, 1_001)).rejects.toMatchObject({ code: 'statement-invalid' });
    for (const days of [0, 0.5, 733, Number.NaN])
      await expect(record.set(ada.did, 1, days)).rejects.toMatchObject({ code: 'request-refused' });
    expect(record.trusted()).toEqual([]);
  });

  it('is not taken for less where its store is damaged', async () => {
    const dataDir = await temporaryFolder();
    const record = await openRecord({ dataDir });
    await record.set(ada.did, 0);
    await record.close();
    await rm(join(dataDir, 'trust', 'CURRENT'));
    await expect(openRecord({ dataDir })).rejects.toMatchObject({ code: 'store-corrupt' });
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    await expect(openRecord({ dataDir: file })).rejects.toMatchObject({ code: 'data-dir-unusable' });
  });
});

describe('the class of a peer', () => {
  it('is never below that of strangers, unless the node says so itself', async () => {
    const record = await openRecord({ strangers: 'known' });
    const classes = () => [ada, bob, cem].map(({ did }) => record.classOf(did));
    expect(classes()).toEqual(['known', 'known', 'known']);
    await record.set(ada.did, 1_000);
    await record.import(linesOf(lineOf(ada, bob), lineOf(ada, cem, { score: 10 })));
    expect(classes()).toEqual(['federated', 'partner', 'known']);
    await record.set(cem.did, 50);
    expect(classes()).toEqual(['federated', 'partner', 'isolated']);
    // A node passes its own gate.
    expect(record.classOf(self.did)).toBe('federated');
    await record.import(linesOf(lineOf(ada, self, { score: 0 })));
    expect(record.classOf(self.did)).toBe('federated');
  });

  it('slows its messages, or not', async () => {
    const network = new MemoryNetwork();
    const talker = await startMemoryNode(network, 'talker', { topics: ['news'] });
    const listeners = await Promise.all(
      (['isolated', 'federated', 'isolated'] as const).map((strangers, index) =>
        startMemoryNode(network, `listener-${index}`, {
          strangers,
          topics: ['news'],
          peers: [...talker.addresses],
        }),
      ),
    );
    const [strange, open, trusting] = listeners;
    await trusting!.trust.set(talker.did, 1_000);
    await eventually(
      async () => talker.status(),
      ({ topics }) => topics[0]?.subscribers.length === 3,
      10_000,
    );
    // More than the 600 messages that an isolated peer may have taken at once.
    for (let count = 0; count < 800; count += 1) await talker.topic('news').publish(String(count));
    const slowed = (node = open!) => node.status().counters['messages-slowed'] ?? 0;
    for (const node of [open!, trusting!])
      await eventually(
        async () => node.status(),
        ({ topics }) => topics[0]?.entryCount === 800,
        20_000,
      );
    await eventually(
      async () => slowed(strange),
      (count) => count > 0,
      10_000,
    );
    expect([slowed(open), slowed(trusting)]).toEqual([0, 0]);
  });
});
