import { describe, expect, it } from '@jest/globals';
import { did } from '../fixtures.js';
import { eager, hello, neighborAnswer, subscribe, type Subject } from '../subject.js';
import { first, inTree, names, other, PRUNE, pushes, second } from './tree-subject.js';

describe('a neighbour that said yes', () => {
  /** What the node sends to an eighth peer when that says yes. */
  function seek(subject: Subject): string[] {
    subject.handle({ type: 'peer-up', peer: did(8) });
    subject.receive(8, hello());
    subject.receive(8, subscribe());
    return pushes(subject.receive(8, neighborAnswer(true)));
  }

  it('begins lazy where entries come by another link', () => {
    const subject = inTree();
    subject.receive(2, eager(first));
    expect(seek(subject)).toEqual(['send to 8: Prune']);
    expect(pushes(subject.receive(2, eager(second)))).toEqual([
      'send to 3, 4, 5, 6, 7: Announcement eager 9/2',
    ]);
  });

  it.each<[string, (subject: Subject) => void]>([
    ['nothing came yet', () => undefined],
    [
      'the link is lazy by which entries came',
      (subject) => {
        subject.receive(2, eager(first));
        subject.receive(2, PRUNE);
      },
    ],
    [
      'the link is down by which entries came',
      (subject) => {
        subject.receive(2, eager(first));
        subject.handle({ type: 'peer-down', peer: did(2) });
        subject.meet(10);
      },
    ],
  ])('begins eager where %s', (_, happens) => {
    const subject = inTree();
    happens(subject);
    expect(seek(subject)).toEqual([]);
    expect(pushes(subject.receive(3, eager(other)))).toEqual([
      expect.stringMatching(/^send to .*8.*: Announcement eager 13\/1$/),
    ]);
  });

  it('begins eager at an author, whatever the guide: his fan-out does not depend on what comes', () => {
    const subject = inTree();
    subject.submit('mine');
    subject.persisted(1);
    for (const peer of [2, 3, 4, 5, 6, 7]) {
      subject.handle({ type: 'peer-down', peer: did(peer) });
      subject.meet(peer + 20);
    }
    subject.submit('next');
    expect(pushes(subject.persisted(2))).toEqual([
      expect.stringMatching(/^send to (2\d, ){5}2\d: Announcement eager 1\/2$/),
    ]);
  });

  it('begins eager where what the other link should bring is missed', () => {
    const subject = inTree();
    subject.receive(2, eager(first));
    subject.persisted(1);
    subject.receive(2, names(other));
    subject.sleepUntil(5_000);
    expect(seek(subject)).toEqual([]);
  });

  it('begins eager where a follower without the extension pushed', () => {
    const subject = inTree({}, [2, 3, 4, 5, 6]);
    subject.handle({ type: 'peer-up', peer: did(12) });
    subject.receive(12, subscribe());
    subject.receive(12, eager(first));
    expect(seek(subject)).toEqual([]);
  });

  it('begins eager among few followers, where there is no tree', () => {
    const subject = inTree({}, [2, 3, 4]);
    subject.receive(2, eager(first));
    expect(seek(subject)).toEqual([]);
  });
});
