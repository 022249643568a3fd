import { constants } from 'node:fs';
import { link, open, readdir, realpath, rename, rm, type FileHandle } from 'node:fs/promises';

/**
 * The steps of which changes of a keystore are made. Each is one system call or little more, so that tests can cut
 * the power before, in and after each. Errors are those of node:fs, with their `code`.
 */
export interface Disk {
  /** The path to which symbolic links lead. */
  resolve(path: string): Promise<string>;
  /** The first `bytesMax` bytes of a file, its size, and what anybody may do with it. */
  read(path: string, bytesMax: number): Promise<ReadFile>;
  /** Makes a file for its owner alone. `EEXIST` where there is one. Not durable before `sync`. */
  create(path: string, bytes: Uint8Array): Promise<void>;
  /** Resolves when the content of a file is on the disk. */
  sync(path: string): Promise<void>;
  /** Gives a file a second name. `EEXIST` where that is taken. Not durable before `syncFolder`. */
  link(from: string, to: string): Promise<void>;
  /** Gives a file another name, and takes that from whatever had it, in one step. Not durable before `syncFolder`. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a name, if there is one. Not durable before `syncFolder`. */
  remove(path: string): Promise<void>;
  /** The names in a folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Resolves when the names in a folder are on the disk. */
  syncFolder(folder: string): Promise<void>;
}

export interface ReadFile {
  readonly bytes: Uint8Array;
  readonly byteCount: number;
  /** Whether it is a file, not a folder or a device. */
  readonly isFile: boolean;
  /** Permission bits; always owner-only where the system has none. */
  readonly mode: number;
  /** When its content was last changed. */
  readonly modifiedMs: number;
}

const ownerOnlyMode = 0o600;

/** Else opening a pipe waits until somebody writes to it. Windows has no such flag, and no such pipes. */
const readWithoutWaiting = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Windows has neither mode bits nor folders that can be synced. */
const isPosix = process.platform !== 'win32';

/** The disk of this machine. */
export const nodeDisk: Disk = {
  resolve: (path) => realpath(path),
  read: async (path, bytesMax) =>
    withFile(await open(path, readWithoutWaiting), async (file) => {
      const stats = await file.stat();
      const isFile = stats.isFile();
      const bytes = new Uint8Array(isFile ? Math.min(stats.size, bytesMax) : 0);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
      return {
        bytes: bytes.subarray(0, bytesRead),
        byteCount: stats.size,
        isFile,
        mode: isPosix ? stats.mode & 0o777 : ownerOnlyMode,
        modifiedMs: stats.mtimeMs,
      };
    }),
  create: async (path, bytes) =>
    withFile(await open(path, 'wx', ownerOnlyMode), (file) => file.writeFile(bytes)),
  sync: async (path) => withFile(await open(path, 'r+'), (file) => file.sync()),
  link,
  rename,
  remove: (path) => rm(path, { force: true }),
  list: readdir,
  async syncFolder(folder) {
    if (isPosix) await withFile(await open(folder, 'r'), (file) => file.sync());
  },
};

async function withFile<Result>(
  file: FileHandle,
  use: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
