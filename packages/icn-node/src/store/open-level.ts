import { mkdir, readdir } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';
import { NodeError } from '../errors.js';

/**
 * Opens or creates a LevelDB in a folder. Its lock, which dies with its process, makes this node its only writer.
 * `advice` says what to do where it is damaged.
 *
 * @throws NodeError `data-dir-locked`, `data-dir-unusable`, `store-corrupt`.
 */
export async function openLevel(path: string, advice: string): Promise<ClassicLevel<string, Uint8Array>> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const files = await readdir(path);
    // LevelDB would take a store without CURRENT for a new one, and remove its data.
    const hasData = files.some((file) => /\.(ldb|sst|log)$/.test(file));
    if (hasData && !files.includes('CURRENT')) throw new Error('Corruption: the file CURRENT is missing');
    // It opens itself in the next tick, asked or not.
    const db = new ClassicLevel<string, Uint8Array>(path, { keyEncoding: 'utf8', valueEncoding: 'view' });
    await db.open();
    return db;
  } catch (error) {
    throw openError(path, error as Error & { code?: string }, advice);
  }
}

function openError(path: string, error: Error & { code?: string }, advice: string): NodeError {
  const cause = (error.cause ?? error) as Error & { code?: string };
  if (cause.code === 'LEVEL_LOCKED') {
    return new NodeError(
      'data-dir-locked',
      `another node is running on ${path}; stop it, or choose another --data-dir`,
      { cause },
    );
  }
  if (isDamage(cause)) return damaged(path, cause, advice);
  const message = `cannot open the store in ${path}: ${cause.message}`;
  return new NodeError('data-dir-unusable', message, { cause });
}

function isDamage({ code, message }: Error & { code?: string }): boolean {
  return code === 'LEVEL_CORRUPTION' || /corrupt|no such file/i.test(message);
}

/** The error of a store that holds what it should not. */
export function damaged(path: string, cause: Error, advice: string): NodeError {
  const message = `the store in ${path} is damaged (${cause.message}); ${advice}`;
  return new NodeError('store-corrupt', message, { cause });
}
