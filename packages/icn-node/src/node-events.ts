import type { Did } from '@icn/identity';
import type { CloseReason } from '@icn/net';
import type { ClosedLog, Topic } from '@icn/gossip';

/** What happens to a node, for logs and people. */
export type NodeEvent =
  | { readonly type: 'peer-up'; readonly did: Did; readonly address: string }
  | { readonly type: 'peer-down'; readonly did: Did; readonly reason: CloseReason }
  /** An entry can be read at `position`; entries that were there at the start are not told. */
  | { readonly type: 'delivered'; readonly topic: Topic; readonly position: number; readonly author: Did }
  /** The notice that a log left the topic can be read at `position`. */
  | { readonly type: 'withdrawn'; readonly topic: Topic; readonly position: number; readonly log: ClosedLog }
  /** Something works less well than it should, with advice. */
  | { readonly type: 'warning'; readonly message: string }
  /** The node cannot go on and has closed itself. */
  | { readonly type: 'failed'; readonly error: Error };

export type NodeListener = (event: NodeEvent) => void;
