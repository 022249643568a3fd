// What benchmarks compare with and nothing else needs: packages of others, in this folder of their own, with exact
// versions (docs/decisions/0016-peers-of-benchmarks.md). The main install does not know them.

import { fileURLToPath } from 'node:url';

import { run } from '../../scripts/run.mjs';

/** Installs what the lockfile beside this file says; nothing is fetched where all is there. Throws what pnpm said. */
export async function installPeers() {
  const flags = ['--frozen-lockfile', '--ignore-workspace', '--ignore-scripts'];
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  const { succeeded, output } = await run(['pnpm', 'install', ...flags], { cwd });
  if (!succeeded) throw new Error(`the packages to compare with cannot be installed: ${output.trim()}`);
}

/**
 * A package that `installPeers` has installed. Its types are not there when this repository is checked, so who imports
 * it says what it uses.
 *
 * @param {string} name
 * @returns {Promise<unknown>}
 */
export function importPeer(name) {
  return import(name);
}
