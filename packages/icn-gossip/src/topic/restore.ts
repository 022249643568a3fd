import type { Counters } from '../bounds/counters.js';
import type { DropName } from '../drops.js';
import { decodeHeader, type EntryLinks } from '../entry/entry-header.js';
import { entryIdOf } from '../entry/entry-name.js';
import type { StoredHeader, StoredWithdrawal } from '../entry/entry-store.js';
import type { TopicState } from './topic-state.js';

/** Gives a state what the store held of its topic, which `TopicState.settle` concludes. What cannot be read is counted. */
export function restoreInto(
  state: TopicState,
  rows: readonly (StoredHeader | StoredWithdrawal)[],
  counters: Counters<DropName>,
): void {
  for (const row of rows) {
    if ('log' in row) {
      state.restoreWithdrawal(row.log, row.position);
      continue;
    }
    const header = decodeHeader(row.header);
    if (typeof header === 'string') {
      counters.add(header);
      if (row.position !== undefined) state.skip(row.position);
      continue;
    }
    const { author, lane, seq, prev, deps } = header;
    const links: EntryLinks = { name: { author, lane, seq, id: entryIdOf(row.header) }, prev, deps };
    if (!state.has(links.name)) state.restore(links, row.position);
  }
}
