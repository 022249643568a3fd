import { PassThrough } from 'node:stream';
import { expect, it } from '@jest/globals';
import { askSecret } from '../src/cli/secret-prompt.js';

/** What is typed into a terminal, and what that shows. */
function terminal() {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const shown: string[] = [];
  output.on('data', (chunk: Buffer) => shown.push(chunk.toString()));
  return { input, output, shown };
}

it('shows the prompt and a new line, and nothing of what is typed', async () => {
  const { input, output, shown } = terminal();
  const asked = askSecret('Passphrase: ', { input, output });
  input.write('correct hors');
  input.write('\u007f\u007frse\r');
  expect(await asked).toBe('correct horse');
  expect(shown.join('')).toBe('Passphrase: \n');
});

it('asks again and again on one terminal', async () => {
  const { input, output } = terminal();
  const first = askSecret('1: ', { input, output });
  input.write('one\r');
  expect(await first).toBe('one');
  const second = askSecret('2: ', { input, output });
  input.write('two\r');
  expect(await second).toBe('two');
});

it('gives nothing where Ctrl-C is pressed or the input ends', async () => {
  const pressed = terminal();
  const asked = askSecret('Passphrase: ', pressed);
  pressed.input.write('half\u0003');
  expect(await asked).toBeUndefined();
  const ended = terminal();
  const asking = askSecret('Passphrase: ', ended);
  ended.input.end();
  expect(await asking).toBeUndefined();
});

it('stops asking where it is told to, and asks nothing where it was told before', async () => {
  const { input, output, shown } = terminal();
  const ending = new AbortController();
  const asked = askSecret('Passphrase: ', { input, output }, ending.signal);
  input.write('half');
  ending.abort();
  expect(await asked).toBeUndefined();
  expect(shown.join('')).toBe('Passphrase: \n');
  expect(await askSecret('again: ', { input, output }, ending.signal)).toBeUndefined();
  expect(shown.join('')).toBe('Passphrase: \n');
});
