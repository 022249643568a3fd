import type { EntryId, EntryParts } from '@icn/gossip';

/** Reads entries one after another, and stops before the one that would pass `bytesMax`, but never before the first. */
export async function readWithin(
  ids: readonly EntryId[],
  bytesMax: number,
  read: (id: EntryId) => EntryParts | undefined | Promise<EntryParts | undefined>,
): Promise<(EntryParts | undefined)[]> {
  const entries: (EntryParts | undefined)[] = [];
  let byteCount = 0;
  for (const id of ids) {
    const parts = await read(id);
    byteCount += parts === undefined ? 0 : parts.header.length + (parts.payload?.length ?? 0);
    if (entries.length > 0 && byteCount > bytesMax) break;
    entries.push(parts);
  }
  return entries;
}
