import { expect, it } from '@jest/globals';
import { eventually, type IcnProcess } from '../src/demo/icn-process.js';
import { QUIET, startNode, temporaryFolder } from './support/temporary.js';

const KILLS = 20;

/** Publishes one entry after another until the node is gone; the ids that were acknowledged. */
async function publishUntilKilled(node: IcnProcess, round: number): Promise<string[]> {
  const ids: string[] = [];
  try {
    for (let number = 1; ; number++) {
      const texts = Array.from({ length: 8 }, (_, index) => `round ${round}, entry ${number}.${index}`);
      await Promise.all(texts.map(async (text) => ids.push((await node.publish('lobby', text)).id)));
    }
  } catch {
    return ids;
  }
}

it('loses nothing that publish acknowledged, and forks no log, over 20 kills while it publishes', async () => {
  const b = await startNode(await temporaryFolder(), ...QUIET);
  const dataDir = await temporaryFolder();
  const acknowledged: string[] = [];
  for (let round = 1; round <= KILLS; round++) {
    const a = await startNode(dataDir, ...QUIET, '--peer', b.address);
    const publishing = publishUntilKilled(a, round);
    // Killed at another place in each round: after this many more entries were told.
    await a.line(() => a.lines.filter(({ type }) => type === 'entry').length >= round);
    await a.end('SIGKILL');
    acknowledged.push(...(await publishing));
  }
  expect(acknowledged.length).toBeGreaterThan(KILLS);

  const a = await startNode(dataDir, ...QUIET, '--peer', b.address);
  const topicOf = async (node: IcnProcess) => (await node.status()).topics[0]!;
  const ask = () => Promise.all([topicOf(a), topicOf(b)]);
  const [topic] = await eventually(
    ask,
    ([x, y]) => x.root === y.root && x.entries >= acknowledged.length,
    40_000,
  );

  for (const node of [a, b]) {
    const entries = await node.entries('lobby');
    const ids = new Set(entries.map(({ id }) => id));
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
    // One log, dense from 1, each number once: no fork.
    expect(entries.map(({ seq }) => seq)).toEqual(
      Array.from({ length: topic.entries }, (_, index) => index + 1),
    );
    expect(new Set(entries.map(({ author }) => author))).toEqual(new Set([a.did]));
    expect(entries.map(({ position }) => position)).toEqual(entries.map((_, index) => index + 1));
  }
}, 120_000);
