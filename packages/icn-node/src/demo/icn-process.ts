import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ControlledNode, type EndSignal, type UpLine } from './controlled-node.js';

/** The command as it is installed: the compiled file, also when this module runs from source in a test. */
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one `icn` command to its end, with `input` as its standard input. */
export function runIcn(args: readonly string[], input: string | Uint8Array = ''): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.once('error', reject);
    child.once('close', (exitCode) => {
      resolve({
        exitCode,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
    // A command that fails at once does not read its input.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** A node in a process of its own, spoken to over its control socket as the `icn` commands do. */
export class IcnProcess extends ControlledNode {
  readonly exited: Promise<number | null>;
  #stderr = '';
  readonly #child: ChildProcess;

  private constructor(dataDir: string, args: readonly string[]) {
    super(dataDir);
    this.#child = spawn(process.execPath, [CLI, 'up', '--json', '--data-dir', dataDir, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let rest = '';
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      this.said(...parts.map((part) => JSON.parse(part) as UpLine));
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.exited = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
    void this.exited.then(() => this.said());
  }

  /** Starts a node and waits until it listens. Throws with what it said on standard error where it ends instead. */
  static async start(dataDir: string, args: readonly string[]): Promise<IcnProcess> {
    const node = new IcnProcess(dataDir, args);
    try {
      await node.line(({ type }) => type === 'listening');
      return node;
    } catch (error) {
      await node.end('SIGKILL');
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Sends a signal and resolves with the exit code; null where the signal killed the process. */
  override end(signal: EndSignal = 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    return this.exited;
  }

  protected override endedBecause(): string | undefined {
    const { exitCode, signalCode } = this.#child;
    return exitCode === null && signalCode === null ? undefined : this.#stderr;
  }
}

/** Asks every few milliseconds until `check` holds; throws what it last said otherwise. */
export async function eventually<Value>(
  ask: () => Promise<Value>,
  check: (value: Value) => boolean,
  timeoutMs: number,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await ask();
    if (check(value)) return value;
    if (Date.now() >= deadline)
      throw new Error(`not within ${timeoutMs} ms; last seen ${JSON.stringify(value)}`);
    await delay(20);
  }
}
