import type {
  EntryHeader,
  EntryId,
  EntryName as WireName,
  EntryParts,
  GossipMessage,
  Topic,
} from '@icn/gossip';
import type { Entry, EntryName, Message, Summary } from './contract.js';

/** Entries whose bytes a node has, by id. */
export type KnownEntries = Map<
  string,
  { readonly entry: Entry; readonly name: WireName; readonly header: EntryHeader; readonly parts: EntryParts }
>;

const NOBODYS_ID = '00'.repeat(32) as EntryId;

/** What a learner's machine says, as the message of `@icn/gossip` that says it. */
export function toWire(message: Message, known: KnownEntries, requestId: number): GossipMessage {
  if (message.type === 'Subscribe')
    return { type: 'Subscribe', topics: message.topics as Topic[], reply: false };
  const topic = message.topic as Topic;
  switch (message.type) {
    case 'Announcement':
      return { type: 'Announcement', topic, name: wireName(message.name), entry: undefined };
    case 'PullRequest': {
      const rest = { ranges: [], bytesMax: 1_048_576, heads: null, evidence: [] };
      return { type: 'PullRequest', requestId, topic, missing: message.missing.map(wireName), ...rest };
    }
    case 'PullResponse': {
      const entries = message.entries.map(({ id }) => {
        const parts = known.get(id)?.parts;
        if (parts === undefined)
          throw new TypeError(`PullResponse: no entry with the id ${id} has come to this node`);
        return parts;
      });
      return { type: 'PullResponse', requestId, topic, entries, more: false };
    }
    case 'AntiEntropy': {
      const rest = { roundId: requestId, answer: false, root: null, counts: null, closed: [] };
      return { type: 'AntiEntropy', topic, ...rest, summary: wireSummary(topic, message.summary, known) };
    }
  }
}

function wireName({ author, seq, id }: EntryName): WireName {
  return { author, seq, id: id as EntryId, lane: 0 };
}

/** A clock names the head of each log on the wire; a count that no entry here stands for gets an id of nobody's. */
function wireSummary(topic: Topic, summary: Summary, known: KnownEntries) {
  if (summary.type === 'filter') {
    const { salt, bytes } = summary;
    return { type: 'filter' as const, salt: BigInt.asUintN(64, salt), slice: { index: 0, count: 1 }, bytes };
  }
  const entries = [...known.values()];
  const clock = summary.counts.flatMap(([author, seq]) => {
    if (seq === 0) return [];
    const head = entries.find(
      ({ entry }) => entry.topic === topic && entry.author === author && entry.seq === seq,
    );
    return [{ author, seq, id: head?.name.id ?? NOBODYS_ID, lane: 0 as const, floor: 0 }];
  });
  return { type: 'clock' as const, clock, base: null };
}
