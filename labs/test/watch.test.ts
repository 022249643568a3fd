import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { labs, labsFolder, newWorkFolder } from './labs-process.js';

const lab06 = 'lab-06-signed-envelope';

it('labs watch checks again when a file is saved, and only then', async () => {
  const work = await newWorkFolder();
  await labs(work, ['start', '06']);
  const child = spawn(process.execPath, [join(labsFolder, 'dist', 'bin.js'), '--work', work, 'watch'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const until = async (isDone: () => boolean) => {
    while (!isDone()) await once(child.stdout, 'data');
  };
  const roundCount = () => output.split('watching ').length - 1;
  await until(() => roundCount() === 1);
  expect(output).toContain('✗ 1');
  await writeFile(join(work, lab06, 'notes.txt'), 'no source');
  await cp(join(labsFolder, lab06, 'solution', 'did.ts'), join(work, lab06, 'did.ts'));
  await until(() => output.includes('✓ 1'));
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(roundCount()).toBeLessThanOrEqual(4);
  await rm(work, { recursive: true });
});
