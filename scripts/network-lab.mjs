// Networks of this machine's own, for what needs more than loopback: network namespaces on one bridge, and the processes
// that run in them. All of it is taken away again, also where the script fails or is interrupted. Needs root and iproute2.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A process in a namespace, with the lines of JSON that it has printed.
 *
 * @template {object} Line
 * @typedef {{ child: import('node:child_process').ChildProcess, lines: Line[], errors: string, ended: Promise<unknown> }} Started
 */

export class NetworkLab {
  /** For files; it goes with the rest. */
  folder = mkdtempSync(join(tmpdir(), 'icn-lab-'));
  /** @type {string} */
  #prefix;
  /** @type {string[]} */
  #namespaces = [];
  /** @type {Started<any>[]} */
  #started = [];

  /** @param {string} prefix Of the names of its namespaces, at most 8 characters. */
  constructor(prefix) {
    this.#prefix = `${prefix}-${process.pid}`;
    // Signals end the process by its exit, and with the exit goes what is left.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
    process.once('exit', () => this.#remove());
    this.#addNamespace('hub');
    this.ip('hub', 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
    this.ip('hub', 'link', 'set', 'br0', 'up');
  }

  /**
   * Makes a namespace with these addresses (`10.0.0.1/24`) on `eth0`, which is plugged into the bridge.
   *
   * @param {string} name @param {readonly string[]} addresses
   */
  addHost(name, addresses) {
    this.#addNamespace(name);
    const port = `port-${name}`;
    this.ip(
      'hub',
      'link',
      'add',
      port,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      this.namespace(name),
    );
    this.ip('hub', 'link', 'set', port, 'master', 'br0', 'up');
    this.ip(name, 'link', 'set', 'lo', 'up');
    for (const address of addresses) this.addAddress(name, address);
    this.ip(name, 'link', 'set', 'eth0', 'up');
  }

  /** @param {string} host @param {string} address */
  addAddress(host, address) {
    // Without duplicate detection, so that an IPv6 address can be used at once.
    const flags = address.includes(':') ? ['nodad'] : [];
    this.ip(host, 'addr', 'add', address, 'dev', 'eth0', ...flags);
  }

  /** Pulls the cable of a host out of the bridge: what it sends is lost, and its own end still looks plugged in. @param {string} host */
  cut(host) {
    this.ip('hub', 'link', 'set', `port-${host}`, 'nomaster');
  }

  /** @param {string} host */
  mend(host) {
    this.ip('hub', 'link', 'set', `port-${host}`, 'master', 'br0');
  }

  /** Runs `ip` in a namespace. @param {string} host @param {string[]} args */
  ip(host, ...args) {
    run('ip', '-n', this.namespace(host), ...args);
  }

  /** @param {string} host */
  namespace(host) {
    return `${this.#prefix}-${host}`;
  }

  /** The command that runs another one in a namespace, in the same process. @param {string} host @param {readonly string[]} command */
  inside(host, command) {
    return ['ip', 'netns', 'exec', this.namespace(host), ...command];
  }

  /** Runs a command in a namespace to its end, and returns what it printed. @param {string} host @param {readonly string[]} command */
  output(host, command) {
    const [file = '', ...args] = this.inside(host, command);
    return spawnSync(file, args, { encoding: 'utf8', timeout: 10_000 });
  }

  /**
   * @template {object} Line
   * @param {string} host @param {readonly string[]} command
   * @returns {Started<Line>}
   */
  start(host, command) {
    const [file = '', ...args] = this.inside(host, command);
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise((resolve) => child.once('close', resolve));
    /** @type {Started<Line>} */
    const started = { child, lines: [], errors: '', ended };
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines)
        if (line.startsWith('{')) started.lines.push(/** @type {Line} */ (JSON.parse(line)));
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (started.errors += text));
    this.#started.push(started);
    return started;
  }

  /**
   * Ends one process that was started here, by its id; after 3 s for good.
   *
   * @param {Started<any>} started @param {'SIGTERM' | 'SIGKILL'} [signal]
   */
  async stop({ child, ended }, signal = 'SIGTERM') {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
    await ended;
    clearTimeout(timer);
  }

  /** What the processes said on standard error. */
  get errors() {
    return this.#started.map(({ child, errors }) => `${child.spawnargs.join(' ')}\n${errors}`).join('\n');
  }

  /** Ends all processes, last first, and removes all namespaces. */
  async close() {
    for (const started of this.#started.toReversed()) await this.stop(started);
    this.#remove();
  }

  /** @param {string} name */
  #addNamespace(name) {
    run('ip', 'netns', 'add', this.namespace(name));
    this.#namespaces.push(this.namespace(name));
  }

  #remove() {
    for (const { child } of this.#started)
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    for (const name of this.#namespaces.splice(0)) spawnSync('ip', ['netns', 'del', name]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * Ends the process with what to do where it cannot work here.
 *
 * @param {readonly string[]} tools @param {string} packages
 */
export function needTools(tools, packages) {
  const missing = tools.filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  const why =
    missing.length > 0
      ? `not installed: ${missing.join(', ')} (on Debian: apt-get install ${packages})`
      : process.getuid?.() !== 0 && 'network namespaces need root';
  if (!why) return;
  console.error(why);
  process.exit(1);
}

/**
 * Waits until something is to be seen, prints it and how long it took; throws where it does not come in time.
 *
 * @param {string} what @param {() => unknown} seen @param {number} [waitMs]
 */
export async function check(what, seen, waitMs = 15_000) {
  const startMs = performance.now();
  for (;;) {
    const proof = await seen();
    const tookMs = performance.now() - startMs;
    if (proof) {
      console.log(`ok    ${what} (${(tookMs / 1_000).toFixed(1)} s)`);
      if (typeof proof === 'string') console.log(proof.replaceAll(/^/gm, '      '));
      return;
    }
    if (tookMs > waitMs) throw new Error(`not within ${waitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** @param {string} file @param {string[]} args */
function run(file, ...args) {
  const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr}`);
}
