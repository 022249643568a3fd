import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile } from '../check/transpile.js';
import type { MachineClass } from '../lab-07/host.js';
import { lab07 } from '../lab-07/lab.js';
import { solutionOf, withRunFolder, wrongOf } from '../workplace.js';

/** Our solution of lab 07, or one of those that are wrong on purpose, as a class that the simulator can run. */
export function referenceMachine(wrong?: string): Promise<MachineClass> {
  return withRunFolder(async (folder) => {
    const folders = wrong === undefined ? [solutionOf(lab07)] : [solutionOf(lab07), wrongOf(lab07, wrong)];
    await transpile(folders, folder);
    const module = (await import(pathToFileURL(join(folder, 'machine.js')).href)) as {
      GossipMachine: MachineClass;
    };
    return module.GossipMachine;
  });
}
