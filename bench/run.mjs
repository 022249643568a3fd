// `pnpm bench NAME [--json]`: builds, then runs bench/NAME.mjs. Without a name it says which there are.

import { readdir } from 'node:fs/promises';

import { build } from '../scripts/build.mjs';

const folder = new URL('.', import.meta.url);
const names = (await readdir(folder))
  .filter((file) => file.endsWith('.mjs') && !/^run\.mjs$|-ends\.mjs$/.test(file))
  .map((file) => file.slice(0, -'.mjs'.length));

const [name = '', ...others] = process.argv.slice(2);
if (names.includes(name)) {
  const { succeeded, output } = await build();
  if (!succeeded) throw new Error(output);
  process.argv.splice(2, Infinity, ...others);
  await import(new URL(`${name}.mjs`, folder).href);
} else {
  console.error(`usage: pnpm bench NAME [--json], where NAME is one of: ${names.join(', ')}`);
  process.exitCode = 2;
}
