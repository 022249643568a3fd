import type { Lab } from '../course.js';
import { access } from './parts/access.js';
import { bloom } from './parts/bloom.js';
import { clock } from './parts/clock.js';
import { heal } from './parts/heal.js';
import { order } from './parts/order.js';
import { pull } from './parts/pull.js';

export const lab07: Lab = {
  number: '07',
  id: 'lab-07-gossip-sync',
  title: 'Gossip sync',
  about: 'Two nodes that tell each other what they have, lose each other, and become equal again.',
  parts: [clock, pull, heal, order, bloom, access],
  wrong: [
    { id: 'zero-counts', mistake: 'a clock that tells {A: 0} from {}', caughtBy: 'clock' },
    { id: 'no-deduplication', mistake: 'an entry that comes twice is delivered twice', caughtBy: 'pull' },
    {
      id: 'own-entries-only',
      mistake: 'a node that is asked tells only what it wrote itself',
      caughtBy: 'heal',
    },
    {
      id: 'max-merge',
      mistake: 'the clock takes the maximum of what came, and claims the holes',
      caughtBy: 'order',
    },
    {
      id: 'unsalted-filter',
      mistake: 'all filters have one salt, and hide the same entries for ever',
      caughtBy: 'bloom',
    },
    {
      id: 'access-on-subscribe-only',
      mistake: 'who may read is asked on Subscribe alone',
      caughtBy: 'access',
    },
    { id: 'author-unchecked', mistake: 'a member may pass on what a stranger wrote', caughtBy: 'access' },
    { id: 'own-gate', mistake: 'a node fails its own trust gate', caughtBy: 'access' },
  ],
  production: [
    {
      path: 'packages/icn-gossip/src/topic/have-set.ts',
      beyond: 'knows forks: a log whose author signed two entries after one.',
    },
    {
      path: 'packages/icn-gossip/src/push/push-tree.ts',
      beyond: 'pushes entries in full along a tree, and names to the rest.',
    },
    {
      path: 'packages/icn-gossip/src/pull/want-list.ts',
      beyond: 'bounds what it asks, waits, and asks another peer.',
    },
    {
      path: 'packages/icn-gossip/src/repair/dialogue.ts',
      beyond: 'begins with one hash for all that is held, and says more only where that differs.',
    },
  ],
};
