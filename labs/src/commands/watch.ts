import { EventEmitter, once } from 'node:events';
import { watch as watchFolder } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Learner } from '../learner.js';
import { shownPath } from '../show/screens.js';
import { check, type CheckOptions } from './check.js';

/** Of changes of one save, which editors make in several (guess). */
const SETTLE_MS = 150;

/** Checks now, and again whenever a file of the copy changes, until `signal` says to end. */
export async function watch(
  learner: Learner,
  name: string | undefined,
  options: CheckOptions,
  signal: AbortSignal,
): Promise<number> {
  const lab = await learner.startedLab(name, await learner.readProgress());
  const changes = new EventEmitter();
  let changeCount = 0;
  const watcher = watchFolder(learner.workplace.folderOf(lab), { signal }, (_event, file) => {
    if (file?.endsWith('.ts') !== true) return;
    changeCount++;
    changes.emit('change');
  });
  watcher.on('error', () => {});
  while (!signal.aborted) {
    const seen = changeCount;
    await check(learner, lab.number, options);
    learner.terminal.line();
    learner.terminal.line(
      learner.terminal.dim(`watching ${shownPath(learner.workplace.folderOf(lab))}; end with Ctrl-C`),
    );
    if (changeCount === seen) await once(changes, 'change', { signal }).catch(() => {});
    if (!signal.aborted) await sleep(SETTLE_MS);
  }
  return 0;
}
