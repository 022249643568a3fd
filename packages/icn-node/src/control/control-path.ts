import { createHash } from 'node:crypto';
import { lstat, mkdir } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { NodeError } from '../errors.js';

/** Unix cuts the names of sockets at 104 to 108 bytes; this is below all of them. */
const SOCKET_PATH_BYTES_MAX = 100;

/**
 * Where the node on a data directory is spoken to: a socket in the directory, or where its path is too long for
 * one, a socket named by a hash in a private folder for temporary files; on Windows a named pipe.
 */
export async function controlPath(dataDir: string): Promise<string> {
  const absolute = resolve(dataDir);
  const hash = createHash('sha256').update(absolute).digest('hex').slice(0, 24);
  if (process.platform === 'win32') return `\\\\.\\pipe\\icn-${hash}`;
  const inside = join(absolute, 'control.sock');
  if (Buffer.byteLength(inside) <= SOCKET_PATH_BYTES_MAX) return inside;
  const { uid } = userInfo();
  const folder = join(tmpdir(), `icn-${uid}`);
  await mkdir(folder, { mode: 0o700, recursive: true });
  const stats = await lstat(folder);
  if (stats.isDirectory() && stats.uid === uid && (stats.mode & 0o077) === 0)
    return join(folder, `${hash}.sock`);
  throw new NodeError(
    'data-dir-unusable',
    `${folder} is open to other users; remove it, or choose a shorter --data-dir`,
  );
}
