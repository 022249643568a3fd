// Makes or changes an identity file, and kills itself without warning after so many steps that change the disk;
// the step after the last of them is done by half where it can be.

import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { Keystore, nodeDisk } from '../../dist/node/keystore.js';

const [what, path = '', steps] = process.argv.slice(2);
const cost = { logN: 1, r: 1, p: 1 };

await mkdir(dirname(path), { recursive: true });
if (what === 'change') await new Keystore(path, { cost }).loadOrCreate('old passphrase');

let stepsLeft = Number(steps);
const disk = Object.fromEntries(
  Object.entries(nodeDisk).map(([name, step]) => [
    name,
    (...args) => {
      if (['resolve', 'read', 'list'].includes(name)) return step(...args);
      if (stepsLeft === 0) {
        if (name === 'create') writeFileSync(args[0], args[1].subarray(0, args[1].length / 2));
        process.kill(process.pid, 'SIGKILL');
      }
      stepsLeft -= 1;
      return step(...args);
    },
  ]),
);

const keystore = new Keystore(path, { disk, cost });
if (what === 'create') await keystore.loadOrCreate('new passphrase');
else await keystore.changePassphrase('old passphrase', 'new passphrase');
