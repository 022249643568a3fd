// `pnpm verdicts [--mutations N] [--json]`: asks both backends of @icn/identity, node:crypto and tweetnacl, about every
// signature in its vectors and about N that were changed, 10,000 by default, and says where they differ.

import { parseArgs } from 'node:util';

import { mutationSeed, nodeJudge, portableJudge, storedVectors } from './verdict-bundle.mjs';
import { countsOf, deviations } from './verdict-deviations.mjs';

const { values } = parseArgs({
  options: { mutations: { type: 'string', default: '10000' }, json: { type: 'boolean', default: false } },
});
const mutationCount = Number(values.mutations);
if (!Number.isSafeInteger(mutationCount) || mutationCount < 0)
  throw new RangeError('--mutations takes a number');

const stored = await storedVectors();
const [node, portable] = await Promise.all([nodeJudge(), portableJudge()]);
const ours = node(stored, mutationCount, mutationSeed);
const startMs = performance.now();
const theirs = portable(stored, mutationCount, mutationSeed);
const portableMs = Math.round(performance.now() - startMs);
const found = deviations(ours, theirs, stored);
const counts = countsOf(theirs);

if (values.json) {
  console.log(JSON.stringify({ ...counts, portableMs, deviations: found }));
} else {
  console.log(
    `${counts.mutations} changed signatures, ${counts.validMutations} of them valid; ${counts.signatures} in a table; ${counts.batchProofs} proofs of batches`,
  );
  for (const line of found) console.log(line);
  console.log(
    found.length === 0 ? 'node:crypto and tweetnacl say the same of each' : `${found.length} deviations`,
  );
}
process.exitCode = found.length === 0 ? 0 : 1;
