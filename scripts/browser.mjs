// `pnpm browser [--mutations N] [--chromium PATH] [--json]`: bundles @icn/identity as a web page would, runs it in
// headless Chromium, and compares what it makes and what it says of signatures with Node: same vectors, same verdicts.

import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { run } from './run.mjs';
import { browserBundle, mutationSeed, nodeJudge, storedVectors } from './verdict-bundle.mjs';
import { countsOf, deviations } from './verdict-deviations.mjs';

/** @import { Verdicts } from '../packages/icn-identity/test/browser-verdicts.ts' */

const { values } = parseArgs({
  options: {
    mutations: { type: 'string', default: '1000' },
    chromium: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const mutationCount = Number(values.mutations);
if (!Number.isSafeInteger(mutationCount) || mutationCount < 0)
  throw new RangeError('--mutations takes a number');

/** Where Debian, Fedora, Ubuntu and macOS put it. */
const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
const chromium = values.chromium ?? places.find((place) => existsSync(place));
if (chromium === undefined || !existsSync(chromium)) {
  console.error(
    `no Chromium at ${chromium ?? places.join(', ')}: install it (apt-get install chromium), or name it with --chromium`,
  );
  process.exit(2);
}

const stored = await storedVectors();
const bundle = await browserBundle();
const started = performance.now();
const theirs = await judgeInBrowser();
const seconds = (performance.now() - started) / 1_000;
const ours = (await nodeJudge())(stored, mutationCount, mutationSeed);
const found = deviations(ours, theirs, stored);
const counts = { ...countsOf(theirs), bundleBytes: bundle.length };

if (values.json) {
  console.log(JSON.stringify({ ...counts, deviations: found }));
} else {
  console.log(`in Chromium, after ${seconds.toFixed(1)} s:`);
  for (const [name, count] of Object.entries(counts)) console.log(`  ${name.padEnd(15)} ${count}`);
  for (const line of found) console.log(line);
  console.log(found.length === 0 ? 'the same as in Node' : `${found.length} deviations from Node`);
}
process.exitCode = found.length === 0 ? 0 : 1;

/** The page does its work while it loads, and Chromium prints it once it has loaded. */
async function judgeInBrowser() {
  const folder = await mkdtemp(join(tmpdir(), 'icn-browser-'));
  try {
    await Promise.all([
      writeFile(join(folder, 'icn.js'), bundle),
      writeFile(join(folder, 'judge.js'), judgeScript()),
      writeFile(
        join(folder, 'page.html'),
        '<!doctype html><meta charset="utf-8"><pre id="told"></pre><script src="icn.js"></script><script src="judge.js"></script>',
      ),
    ]);
    const page = pathToFileURL(join(folder, 'page.html')).href;
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
    const profile = `--user-data-dir=${join(folder, 'profile')}`;
    const { stdout, output } = await run([chromium ?? '', ...flags, profile, '--dump-dom', page]);
    const told = /<pre id="told">([^<]+)<\/pre>/.exec(stdout)?.[1];
    if (told === undefined) throw new Error(`the page said nothing: ${output.slice(0, 2_000)}`);
    const answer = /** @type {{ verdicts?: Verdicts, error?: string }} */ (
      JSON.parse(decodeURIComponent(told))
    );
    if (answer.verdicts === undefined) throw new Error(`in the browser: ${answer.error}`);
    return answer.verdicts;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Percent-encoded, so that nothing in the answer is markup. */
function judgeScript() {
  return `let answer;
try {
  answer = { verdicts: icn.verdicts(${JSON.stringify(stored)}, ${mutationCount}, ${mutationSeed}) };
} catch (error) {
  answer = { error: String(error?.stack ?? error) };
}
document.getElementById('told').textContent = encodeURIComponent(JSON.stringify(answer));
`;
}
