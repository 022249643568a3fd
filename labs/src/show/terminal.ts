import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Where the runner writes: in colours on a terminal that may have them, plain elsewhere. */
export class Terminal {
  readonly isInteractive: boolean;
  readonly #hasColors: boolean;
  readonly #write: (text: string) => void;

  constructor(stream: NodeJS.WriteStream = process.stdout, env: NodeJS.ProcessEnv = process.env) {
    this.isInteractive = stream.isTTY && process.stdin.isTTY && !env['CI'];
    this.#hasColors = stream.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
    this.#write = (text) => void stream.write(text);
  }

  line(text = ''): void {
    this.#write(`${text}\n`);
  }

  lines(texts: readonly string[], indent = ''): void {
    for (const text of texts) this.line(text === '' ? '' : `${indent}${text}`);
  }

  paint(style: Style, text: string): string {
    return this.#hasColors ? styleText(style, text, { validateStream: false }) : text;
  }

  good(text: string): string {
    return this.paint('green', text);
  }

  bad(text: string): string {
    return this.paint('red', text);
  }

  dim(text: string): string {
    return this.paint('dim', text);
  }

  strong(text: string): string {
    return this.paint('bold', text);
  }

  /** A command to copy. */
  command(text: string): string {
    return this.paint('cyan', `npx -y pnpm@12 labs${text === '' ? '' : ` ${text}`}`);
  }
}
