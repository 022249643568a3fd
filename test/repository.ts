import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

export const packageFolders = ['icn-identity', 'icn-gossip', 'icn-net', 'icn-node'] as const;

export type PackageFolder = (typeof packageFolders)[number];

/** The paths, from the root, of all files that belong to the repository: in git, or about to be. */
export function repositoryFiles(): readonly string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return [...new Set(listed.split('\0'))].filter((path) => path !== '' && existsSync(join(root, path)));
}

export function readRepositoryFile(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
