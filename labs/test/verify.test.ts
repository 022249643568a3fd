// The author's check as part of the tests, and that it can tell.

import { describe, expect, it } from '@jest/globals';
import { fromBuilt, labs, newWorkFolder } from './labs-process.js';

const verifyTimeoutMs = 240_000;

describe('labs verify', () => {
  it(
    'finds starters that fail, solutions that pass, and each mistake caught by its part alone',
    async () => {
      const { code, output } = await labs(await newWorkFolder(), ['verify']);
      expect(output).toMatch(/\n27 verified with 3 seeds, 0 at fault\n$/);
      expect(code).toBe(0);
      for (const mistake of [
        'max-merge',
        'unsalted-filter',
        'no-deduplication',
        'access-on-subscribe-only',
        'zero-refused',
        'sender-not-signed',
      ])
        expect(output).toContain(`: wrong: ${mistake}\n`);
    },
    verifyTimeoutMs,
  );
});

describe('verify can tell', () => {
  const prelude = `
    import { checkCandidate } from './dist/verify.js';
    import { lab06 } from './dist/lab-06/lab.js';
    import { solutionOf, starterOf, wrongOf } from './dist/workplace.js';
    const found = async (folders, fails) => (await checkCandidate({ lab: lab06, what: '', folders, fails }, [1])).faults;
    const print = (faults) => console.log(JSON.stringify(faults));
  `;

  it.each([
    [
      'a starter that passes a part',
      'print(await found([solutionOf(lab06)], (part) => part === "did"))',
      'passes part did, and must not',
    ],
    [
      'a solution that fails a part',
      'print(await found([starterOf(lab06)], (part) => part !== "did"))',
      'fails part did: ',
    ],
    [
      'a mistake that another part catches',
      'print(await found([solutionOf(lab06), wrongOf(lab06, "zero-refused")], (part) => part === "did"))',
      'fails part replay: ',
    ],
  ])('%s', async (_, code, fault) => {
    const faults = (await fromBuilt(prelude + code)) as string[];
    expect(faults.some((words) => words.startsWith(fault))).toBe(true);
  });

  it('a solution that is as it is said to be has no faults', async () => {
    expect(await fromBuilt(`${prelude} print(await found([solutionOf(lab06)], () => false))`)).toEqual([]);
  });
});
