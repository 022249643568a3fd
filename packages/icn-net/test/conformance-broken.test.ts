import { afterEach, describe, expect, it } from '@jest/globals';
import { transportConformance } from '../src/conformance/index.js';
import { breakAdapter, brokenAdapters, cleanUpBroken } from './broken-adapters.js';
import { memoryFixture } from './fixtures.js';

afterEach(cleanUpBroken);

describe('the suite passes an adapter that is only wrapped', () => {
  const fixture = { ...breakAdapter(memoryFixture(), { notices: '' }), patienceMs: 5000 };
  for (const { name, run } of transportConformance) it(name, () => run(fixture));
});

describe('the suite fails an adapter that breaks the rule', () => {
  it.each(brokenAdapters)('$notices', async (broken) => {
    const found = transportConformance.find(({ name }) => name === broken.notices);
    const run = found?.run(breakAdapter(memoryFixture(), broken));
    expect(run).toBeDefined();
    await expect(run).rejects.toMatchObject({ message: expect.any(String) });
  });

  it('for every rule there is', () => {
    const broken = new Set(brokenAdapters.map(({ notices }) => notices));
    expect(transportConformance.map(({ name }) => name).filter((name) => !broken.has(name))).toEqual([]);
  });
});
