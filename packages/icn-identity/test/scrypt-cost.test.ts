import { expect, it } from '@jest/globals';

import { isAffordable } from '../src/node/keystore/passphrase-box.js';

it.each([
  [
    { logN: 10, r: 1, p: 4_096 },
    { logN: 10, r: 1, p: 4_097 },
  ],
  [
    { logN: 17, r: 15, p: 2 },
    { logN: 17, r: 16, p: 1 },
  ],
  [
    { logN: 1, r: 2 ** 19, p: 2 },
    { logN: 1, r: 2 ** 19, p: 3 },
  ],
  [
    { logN: 15, r: 1, p: 1 },
    { logN: 16, r: 1, p: 1 },
  ],
  [
    { logN: 1, r: 1, p: 1 },
    { logN: 0, r: 1, p: 1 },
  ],
])('a cost at the bounds is taken: %j, and not %j', (taken, refused) => {
  expect([isAffordable(taken), isAffordable(refused)]).toEqual([true, false]);
});
