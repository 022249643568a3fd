// `pnpm icn …` and `pnpm start`: the icn command of this checkout, built first where its sources have
// changed. It then runs in this very process, so signals, standard input and the exit code are the command's
// own; and until then nothing is written to standard output, which may be parsed.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { build } from './build.mjs';
import { root } from './run.mjs';

const noticeAfterMs = 1_000;

const notice = setTimeout(() => {
  if (process.stderr.isTTY) process.stderr.write('building…\n');
}, noticeAfterMs);
const { succeeded, output } = await build('--filter=@icn/node');
clearTimeout(notice);

if (succeeded) {
  const command = join(root, 'packages', 'icn-node', 'dist', 'cli.js');
  process.argv[1] = command;
  await import(pathToFileURL(command).href);
} else {
  process.stderr.write(output);
  process.exitCode = 1;
}
