import { setTimeout as delay } from 'node:timers/promises';

/** Waits for what can be observed, and fails with what was seen last. */
export async function until(
  isSo: () => boolean,
  seen: () => unknown = () => undefined,
  limitMs = 5000,
): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!isSo()) {
    if (performance.now() > deadlineMs)
      throw new Error(`not within ${limitMs} ms; last seen: ${JSON.stringify(seen())}`);
    await delay(2);
  }
}
