/**
 * Where a guard keeps what it must not forget. Bytes are opaque to a store. The guard calls one method at a time,
 * `load` first and once, and none but `close` after one has rejected.
 */
export interface ReplayStore {
  /** What `replace` was given last, and what `append` was given since, in order; torn appends were never promised. */
  load(): Promise<{ readonly snapshot: Uint8Array | undefined; readonly appended: readonly Uint8Array[] }>;
  /** Adds a batch, a multiple of `replayRecordBytes`; it is durable when the promise fulfils. */
  append(batch: Uint8Array): Promise<void>;
  /** Puts a snapshot in place of all before it; at every moment a crash leaves all before it, or the snapshot. */
  replace(snapshot: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** A store that lasts as long as the process: whoever uses it accepts everything again after a restart. */
export function memoryReplayStore(): ReplayStore {
  let snapshot: Uint8Array | undefined;
  let appended: Uint8Array[] = [];
  return {
    load: () => Promise.resolve({ snapshot, appended: [...appended] }),
    append(batch) {
      appended.push(batch);
      return Promise.resolve();
    },
    replace(next) {
      [snapshot, appended] = [next, []];
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}
