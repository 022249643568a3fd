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

/** To be called before each step. */
function step(doHalf = () => {}) {
  if (stepsLeft === 0) {
    doHalf();
    process.kill(process.pid, 'SIGKILL');
  }
  stepsLeft -= 1;
}

/** @type {import('../../dist/node/keystore.js').Disk} */
const disk = {
  ...nodeDisk,
  create(at, bytes) {
    step(() => writeFileSync(at, bytes.subarray(0, bytes.length / 2)));
    return nodeDisk.create(at, bytes);
  },
  sync(at) {
    step();
    return nodeDisk.sync(at);
  },
  link(from, to) {
    step();
    return nodeDisk.link(from, to);
  },
  rename(from, to) {
    step();
    return nodeDisk.rename(from, to);
  },
  remove(at) {
    step();
    return nodeDisk.remove(at);
  },
  syncFolder(folder) {
    step();
    return nodeDisk.syncFolder(folder);
  },
};

const keystore = new Keystore(path, { disk, cost });
if (what === 'create') await keystore.loadOrCreate('new passphrase');
else await keystore.changePassphrase('old passphrase', 'new passphrase');
