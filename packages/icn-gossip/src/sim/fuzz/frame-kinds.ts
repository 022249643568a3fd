import type { AntiEntropy, GossipMessage, PullRequest } from '../../wire/messages.js';

/** Every shape of message that two nodes exchange: a fuzzer that has not heard one cannot twist it. */
export const FRAME_KINDS = [
  'Hello',
  'Subscribe',
  'Unsubscribe',
  'Roots',
  'Announcement',
  'Announcements',
  'Graft',
  'Prune',
  'Join',
  'ForwardJoin',
  'Neighbor',
  'NeighborAnswer',
  'Disconnect',
  'Shuffle',
  'ShuffleReply',
  'PullRequest names',
  'PullRequest ranges',
  'PullRequest heads',
  'PullRequest evidence',
  'PullResponse',
  'AntiEntropy question',
  'AntiEntropy equal',
  'AntiEntropy clock',
  'AntiEntropy delta',
  'AntiEntropy filter',
  'AntiEntropy sketch',
  'AntiEntropy sketch-request',
  'AntiEntropy clock-request',
  'Equivocation',
] as const;

export type FrameKind = (typeof FRAME_KINDS)[number];

/** Undefined for what no honest node says, such as a request for nothing, and for what only comes before a link is up. */
export function kindOf(message: GossipMessage): FrameKind | undefined {
  if (message.type === 'PullRequest') return pullKindOf(message);
  if (message.type === 'AntiEntropy') return antiEntropyKindOf(message);
  return message.type === 'TopicRoots' ? undefined : message.type;
}

function pullKindOf({ missing, ranges, heads, evidence }: PullRequest): FrameKind | undefined {
  if (heads !== null) return 'PullRequest heads';
  if (evidence.length > 0) return 'PullRequest evidence';
  if (ranges.length > 0) return 'PullRequest ranges';
  return missing.length > 0 ? 'PullRequest names' : undefined;
}

function antiEntropyKindOf({ answer, root, summary }: AntiEntropy): FrameKind | undefined {
  if (summary?.type === 'clock') return summary.base === null ? 'AntiEntropy clock' : 'AntiEntropy delta';
  if (summary !== null) return `AntiEntropy ${summary.type}`;
  if (!answer) return 'AntiEntropy question';
  return root === null ? 'AntiEntropy equal' : undefined;
}
