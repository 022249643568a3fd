// `pnpm labs`: builds what the labs need, and runs one command of theirs. Needs no network.

import { build } from '../scripts/build.mjs';

const { succeeded, output } = await build('--filter=@icn/labs');
if (!succeeded) throw new Error(output);
await import('./dist/bin.js');
