import type { Did } from '@icn/identity';
import { decodeParts, encodeParts, decodeEntry } from '../src/entry/entry.js';
import type { EntryName } from '../src/entry/entry-name.js';
import type { GossipEffect } from '../src/events.js';
import type { AntiEntropy, GossipMessage, HeadsRequest, Roots } from '../src/wire/messages.js';
import { did, sentBy } from './fixtures.js';

const numberOf = new Map<Did, number>(Array.from({ length: 250 }, (_, index) => [did(index), index]));

/** Effects as lines that can be read: nodes by number, entries as author/seq. */
export function transcript(effects: readonly GossipEffect[]): string[] {
  return effects.flatMap(lineOf);
}

function lineOf(effect: GossipEffect): string[] {
  switch (effect.type) {
    case 'send':
      return [`send to ${effect.to.map(peer).join(', ')}: ${said(sentBy([effect])[0]!.message)}`];
    case 'persist':
      return [
        `persist #${effect.write}: ${effect.writes.map((write) => (write.type === 'entry' ? `entry ${stored(write.parts)}` : `${write.type} ${write.position}`)).join(', ')}`,
      ];
    case 'load':
      return [`load #${effect.load}: ${effect.ids.length} within ${effect.bytesMax}`];
    case 'deliver':
      return [
        `deliver ${effect.position}: ${entry(effect.name)}${effect.late ? ' late' : ''}${effect.forked ? ' forked' : ''}`,
      ];
    case 'acknowledge':
      return [`acknowledge ${effect.ref}: ${effect.names.map(entry).join(', ')}`];
    case 'reject':
      return [`reject ${effect.ref}: ${effect.code}`];
    case 'withdraw':
      return [`withdraw ${effect.position}: ${peer(effect.log.author)} from ${effect.log.from}`];
    case 'connect':
    case 'protect':
    case 'release':
      return [`${effect.type} ${peer(effect.peer)}`];
    case 'disconnect':
      return [`disconnect ${peer(effect.peer)}: ${effect.reason}`];
  }
}

/** A message as words. */
export function said(message: GossipMessage): string {
  switch (message.type) {
    case 'Hello':
      return `Hello ${message.network}`;
    case 'Announcement':
      return `Announcement ${message.entry === undefined ? 'lazy' : 'eager'} ${entry(message.name)}`;
    case 'PullRequest': {
      const ranges = message.ranges.map(({ author, from, to }) => `${peer(author)}/${from}-${to}`);
      const heads = message.heads === null ? [] : [headsOf(message.heads)];
      return `PullRequest #${message.requestId} ${[...message.missing.map(entry), ...ranges, ...heads].join(', ')}`;
    }
    case 'PullResponse': {
      const entries = message.entries.map((parts) => (parts === undefined ? 'garbage' : stored(parts)));
      return `PullResponse #${message.requestId} [${entries.join(', ')}]${message.more ? ' more' : ''}`;
    }
    case 'AntiEntropy':
      return `AntiEntropy ${message.answer ? 'answer' : 'question'} ${summarized(message)}`;
    case 'Subscribe':
      return `Subscribe ${message.topics.join(', ')}${message.reply ? ' (reply)' : ''}`;
    case 'Unsubscribe':
      return `Unsubscribe ${message.topics.join(', ')}`;
    case 'Announcements': {
      const all = [...message.entries.map(stored), ...message.names.map((name) => `${entry(name)} lazy`)];
      return `Announcements ${all.join(', ')}`;
    }
    case 'Neighbor':
      return message.isUrgent ? 'Neighbor urgent' : 'Neighbor';
    case 'NeighborAnswer':
      return message.accepted ? 'NeighborAnswer yes' : 'NeighborAnswer no';
    case 'ForwardJoin':
      return `ForwardJoin ${peer(message.joiner)} ttl ${message.ttl}`;
    case 'Shuffle':
    case 'ShuffleReply':
      return `${message.type} ${message.peers.map(peer).join(', ')}`;
    case 'Equivocation':
      return `Equivocation ${message.entries.map(stored).join(', ')}`;
    case 'TopicRoots':
      return `TopicRoots ${message.topics.join(' ')}`;
    case 'Roots':
      return `Roots ${message.answer ? 'answer' : 'question'} of ${message.topicCount}${rootsVerdict(message)}`;
    case 'Graft':
    case 'Prune':
    case 'Join':
    case 'Disconnect':
      return message.type;
  }
}

function summarized({ root, summary }: AntiEntropy): string {
  switch (summary?.type) {
    case undefined:
      return root === null ? 'equal' : 'root';
    case 'clock':
      return `clock {${summary.clock.map(({ author, seq }) => `${peer(author)}/${seq}`).join(', ')}}${summary.base === null ? '' : ' since base'}`;
    case 'sketch':
      return `sketch ${summary.first}+${summary.symbols.length / 12}`;
    case 'sketch-request':
      return `sketch-request ${summary.first}+${summary.count}`;
    case 'filter':
      return 'filter';
    case 'clock-request':
      return 'clock-request';
  }
}

function headsOf({ wants, haves }: HeadsRequest): string {
  return `${wants.length} heads above ${haves.length}`;
}

function rootsVerdict({ answer, root, rows }: Roots): string {
  if (!answer) return '';
  if (root === null) return ' equal';
  return rows === null ? ' other topics' : ` ${rows.length / 8} rows`;
}

function stored(parts: Parameters<typeof encodeParts>[0]): string {
  const decoded = decodeEntry(decodeParts(encodeParts(parts))!);
  return typeof decoded === 'string' ? decoded : entry(decoded.name);
}

function entry({ author, seq }: EntryName): string {
  return `${peer(author)}/${seq}`;
}

function peer(name: Did): string {
  return `${numberOf.get(name) ?? name}`;
}
