import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** Where somebody types: a terminal, or what stands for one in a test. */
export interface Typing {
  readonly input: NodeJS.ReadableStream;
  /** Shows the prompt, and nothing of what is typed. */
  readonly output: NodeJS.WritableStream;
}

/** The terminal of this process, if it has one. Prompts go to standard error, so that output can be piped on. */
export function ownTerminal(): Typing | undefined {
  return process.stdin.isTTY && process.stderr.isTTY
    ? { input: process.stdin, output: process.stderr }
    : undefined;
}

/**
 * Asks for a line that is not shown. Undefined where the input ends, somebody pressed Ctrl-C, or `signal` ends the asking,
 * instead; the terminal is as it was then.
 */
export function askSecret(
  prompt: string,
  { input, output }: Typing,
  signal?: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve(undefined);
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    // As a terminal, so that readline takes the echo over from the system; it then writes it to nowhere.
    const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
    const end = (line?: string) => {
      resolve(line);
      lines.close();
      output.write('\n');
    };
    const abort = () => end();
    signal?.addEventListener('abort', abort);
    lines.once('line', end);
    lines.once('SIGINT', () => end());
    lines.once('close', () => {
      signal?.removeEventListener('abort', abort);
      resolve(undefined);
    });
    output.write(prompt);
  });
}
