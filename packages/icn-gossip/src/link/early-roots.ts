import { encodeMessage } from '../wire/message-codec.js';
import type { Topic } from '../topic.js';
import type { TopicGossip } from '../topic/topic-gossip.js';
import type { TopicRoots } from '../wire/messages.js';
import { ROW_BYTES, rowsOf } from './root-of-roots.js';

/** Bytes of a message besides its topics and rows, and of a topic's besides its name: what CBOR adds, at most. */
const FRAME_BYTES = 16;
const TOPIC_BYTES = 3;

/**
 * The roots of the topics that this node follows, as many as fit: what may be asked, and answered, before a link is up. Both
 * may be replayed by whoever recorded them, so neither is remembered by who says it, and an answer changes nothing.
 */
export function earlyRoots(topics: Iterable<TopicGossip>, bytesMax: number): Uint8Array | undefined {
  const rows: TopicGossip[] = [];
  let bytes = FRAME_BYTES;
  for (const topic of [...topics].sort((a, b) => (a.state.topic < b.state.topic ? -1 : 1))) {
    bytes += topic.state.topic.length + TOPIC_BYTES + ROW_BYTES;
    if (bytes > bytesMax) break;
    rows.push(topic);
  }
  if (rows.length === 0) return undefined;
  const states = rows.map(({ state }) => state);
  return encodeMessage({
    type: 'TopicRoots',
    topics: states.map(({ topic }) => topic),
    rows: rowsOf(states),
  });
}

/** Of the topics in a message, those that are followed here. */
export function namedTopics(
  { topics }: TopicRoots,
  followed: ReadonlyMap<Topic, TopicGossip>,
): TopicGossip[] {
  const known = topics.flatMap((topic) => followed.get(topic) ?? []);
  return [...new Set(known)].filter(({ isJoined }) => isJoined);
}

/** The row of each topic in a message, the first where one is named twice. */
export function rowsByTopic({ topics, rows }: TopicRoots): Map<Topic, Uint8Array> {
  const byTopic = new Map<Topic, Uint8Array>();
  for (const [index, topic] of topics.entries()) {
    if (!byTopic.has(topic)) byTopic.set(topic, rows.subarray(index * ROW_BYTES, (index + 1) * ROW_BYTES));
  }
  return byTopic;
}
