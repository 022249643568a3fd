import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the workspace. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Runs a command of the workspace to its end, without input, and keeps what it prints: all of it in `output`,
 * and what went to standard output alone in `stdout`. The tools of the workspace are on the PATH, since pnpm
 * started us.
 *
 * @param {readonly string[]} command
 * @param {{ cwd?: string }} [options]
 * @returns {Promise<{ succeeded: boolean, output: string, stdout: string }>}
 */
export function run([program = '', ...args], { cwd = root } = {}) {
  const env = { TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1', ...colors(), ...process.env };
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  let output = '';
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    output += text;
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    output += text;
  });
  return new Promise((resolve) => {
    child.on('error', (error) =>
      resolve({ succeeded: false, output: `${program}: ${error.message}\n`, stdout }),
    );
    child.on('close', (code) => resolve({ succeeded: code === 0, output, stdout }));
  });
}

/** What is captured goes to our own output in the end, so the tools may color it if that is a terminal. */
function colors() {
  return process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
}
