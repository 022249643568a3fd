import { randomFillSync } from 'node:crypto';

/** Asking the system costs the same for 8 bytes as for this many. */
const pool = Buffer.alloc(4_096);
let used = pool.length;

/** `count` fresh bytes of the system's generator, unpredictable and never given twice, for many small ids; at most 4,096. */
export function smallRandomBytes(count: number): Buffer {
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = Buffer.from(pool.subarray(used, used + count));
  pool.fill(0, used, used + count);
  used += count;
  return bytes;
}
