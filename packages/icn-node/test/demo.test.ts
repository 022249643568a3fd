import { expect, it } from '@jest/globals';
import { runIcn } from '../src/demo/icn-process.js';

it('the demo converges, and its last line says so', async () => {
  const { exitCode, stdout } = await runIcn(['demo']);
  expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^converged: 3 nodes, 230 entries, root [0-9a-f]{64}$/);
  expect(exitCode).toBe(0);
});
