import { createInterface, clearLine, cursorTo, type Interface } from 'node:readline';

/** A line that is being typed, below what the node says: what comes in does not disturb it. */
export class Terminal {
  readonly #lines: Interface;
  #isOpen = true;

  constructor(onLine: (text: string) => void) {
    this.#lines = createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: true,
      prompt: '> ',
    });
    // In a terminal Ctrl-C reaches readline first.
    this.#lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    this.#lines.on('line', (text) => {
      if (text.trim() !== '') onLine(text);
      this.#lines.prompt();
    });
    this.#lines.on('close', () => {
      if (!this.#isOpen) return;
      this.#isOpen = false;
      process.stdout.write('\nInput is closed. The node runs on; Ctrl-C ends it.\n');
    });
    this.#lines.prompt();
  }

  /** Writes a line above the one that is being typed. */
  print(text: string): void {
    if (!this.#isOpen) {
      process.stdout.write(`${text}\n`);
      return;
    }
    cursorTo(process.stdout, 0);
    clearLine(process.stdout, 0);
    process.stdout.write(`${text}\n`);
    this.#lines.prompt(true);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#lines.close();
    process.stdout.write('\n');
  }
}
