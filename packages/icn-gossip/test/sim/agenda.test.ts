import { describe, expect, it } from '@jest/globals';
import { Agenda, SeededRandom } from '../../src/sim/index.js';

describe('Agenda', () => {
  it('gives back in order of time, and at one time in order of insertion', () => {
    const random = new SeededRandom(1);
    const agenda = new Agenda();
    const given: [number, number][] = Array.from({ length: 5_000 }, (_, order) => [random.below(50), order]);
    const taken: [number, number][] = [];
    for (const item of given) agenda.add(item[0], () => taken.push(item));
    expect([agenda.size, agenda.nextAtMs]).toEqual([5_000, 0]);
    for (let action = agenda.take(); action !== undefined; action = agenda.take()) action();
    expect(taken).toEqual(given.toSorted(([a, x], [b, y]) => a - b || x - y));
    expect([agenda.size, agenda.nextAtMs, agenda.take()]).toEqual([0, undefined, undefined]);
  });

  it('takes what is added while it is worked off', () => {
    const agenda = new Agenda();
    const done: string[] = [];
    agenda.add(1, () => {
      done.push('first');
      agenda.add(1, () => done.push('third'));
      agenda.add(0.5, () => done.push('second'));
    });
    agenda.add(2, () => done.push('fourth'));
    for (let action = agenda.take(); action !== undefined; action = agenda.take()) action();
    expect(done).toEqual(['first', 'second', 'third', 'fourth']);
  });
});
