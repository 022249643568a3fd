import type { EntryFault } from './entry/entry.js';
import type { MessageFault } from './wire/message-codec.js';
import type { Refusal } from './topic/topic-state.js';

/** Everything that is counted instead of being answered with an error: what peers did wrong, and what was too much. */
export type DropName =
  | MessageFault
  | EntryFault
  | Refusal
  /** A message about a topic that this node does not follow. */
  | 'topic-unknown'
  /** An entry of a pull response that has not the shape of one. */
  | 'entry-malformed'
  /** An entry that is held already: normal, its share shows what push costs. */
  | 'duplicate'
  /** A parked entry that made room for one nearer to the hole. */
  | 'parked-evicted'
  /** Evidence of more headers than prove any closing, or not of one data log. */
  | 'evidence-malformed'
  /** Evidence that does not close its log, or no lower than it is closed here: normal, many peers send the same. */
  | 'evidence-idle'
  /** A pull response that was not asked for, or not from that peer. */
  | 'response-unsolicited'
  /** A pull request was not answered in time. */
  | 'pull-timeout'
  /** A peer has too many pull requests waiting here, or too many closings wait to be told of. */
  | 'pull-overload'
  /** A peer names more that is missing than its share of the want lists; later rounds find it again. */
  | 'wants-full'
  /** A sketch shows heads while those of another are pulled; a later round finds them again. */
  | 'heads-waiting'
  /** A peer sends more anti-entropy messages than are looked at; a later round makes up for it. */
  | 'rounds-overload'
  /** The disk is slower than what is to be said of what is on it; a later round makes up for it. */
  | 'outbox-full'
  /** A peer sends more messages about a topic's overlay than are looked at. */
  | 'overlay-overload'
  /** A shuffle of more peers than one may carry. */
  | 'shuffle-too-large'
  /** A shuffle's reply that was not asked for. */
  | 'shuffle-unsolicited'
  /** A peer that was asked to be a neighbour did not answer in time. */
  | 'neighbor-timeout'
  /** A frame of a peer that is not up. */
  | 'peer-unknown';
