import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import { IcnProcess } from '../../src/demo/icn-process.js';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Has something done after the test, last first. */
export function afterTest(cleanup: () => Promise<unknown>): void {
  cleanups.push(cleanup);
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'icn-test-'));
  afterTest(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A node in a process that is gone after the test. */
export async function startNode(dataDir: string, ...args: readonly string[]): Promise<IcnProcess> {
  const node = await IcnProcess.start(dataDir, args);
  afterTest(() => node.end('SIGKILL'));
  return node;
}

export const QUIET = quietOn('quic');

/** Arguments of a node that listens on the loopback interface over that transport, and does not look around. */
export function quietOn(scheme: string, port = '0'): readonly string[] {
  return ['--no-mdns', '--listen', `${scheme}://127.0.0.1:${port}`];
}
