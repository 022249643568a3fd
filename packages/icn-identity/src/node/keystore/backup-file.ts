import { IdentityError } from '../../identity-error.js';
import { nodeDisk } from './disk.js';
import { createFile } from './durable-file.js';

/**
 * Writes the text of a backup to a new file, for its owner alone, whole and durable.
 *
 * @throws IdentityError `identity-exists` where there is a file, which stays; `identity-io`.
 */
export async function writeBackupFile(path: string, text: string): Promise<void> {
  let isCreated: boolean;
  try {
    isCreated = await createFile(nodeDisk, path, new TextEncoder().encode(text));
  } catch (cause) {
    throw new IdentityError('identity-io', `cannot write the backup ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  if (!isCreated)
    throw new IdentityError('identity-exists', `there is a file ${path} already: choose another name`);
}
