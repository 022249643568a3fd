// What one peer can make a node say to its neighbours about the overlay.

import { expect, it } from '@jest/globals';
import { TOPIC } from '../fixtures.js';
import { joined } from '../subject.js';

it('a neighbour that joins again is told so, and its walk does not begin again', () => {
  const subject = joined(2, 3, 4);
  for (let count = 0; count < 10; count++)
    expect(subject.receive(2, { type: 'Join', topic: TOPIC })).toEqual(['send to 2: NeighborAnswer yes']);
});

it('a hostile peer gains no messages about the overlay by leaving the topic and coming back (I13)', () => {
  const subject = joined(2, 3);
  for (let count = 0; count < 500; count++) {
    subject.receive(2, { type: 'Unsubscribe', topics: [TOPIC] });
    subject.receive(2, { type: 'Subscribe', topics: [TOPIC], reply: false });
    subject.receive(2, { type: 'Join', topic: TOPIC });
  }
  expect(subject.gossip.counters['overlay-overload']).toBeGreaterThan(400);
});
