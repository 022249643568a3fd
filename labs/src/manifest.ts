import type { Course, Lab } from './course.js';
import { lab06 } from './lab-06/lab.js';
import { lab07 } from './lab-07/lab.js';

/** All courses with their labs, in the order in which they are taken. A new lab is one line here. */
export const COURSES: readonly Course[] = [
  {
    number: '07',
    title: 'Identity and crypto',
    page: 'docs/course/07-identity-and-crypto.md',
    labs: [lab06],
  },
  {
    number: '08',
    title: 'Network and gossip',
    page: 'docs/course/08-network-and-gossip.md',
    labs: [lab07],
  },
];

export const LABS: readonly Lab[] = COURSES.flatMap(({ labs }) => labs);

/** A lab by its number, as `07` or `7`, or by the name of its folder. */
export function findLab(name: string): Lab | undefined {
  return LABS.find(({ number, id }) => id === name || number === name.padStart(2, '0'));
}
