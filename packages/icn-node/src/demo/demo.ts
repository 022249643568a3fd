import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { print } from '../cli/output.js';
import type { TopicJson } from '../json.js';
import { eventually, IcnProcess } from './icn-process.js';

const TOPIC = 'lobby';
const NAMES = ['ada', 'bob', 'cleo'] as const;
const ENTRIES_TOGETHER = 10;
const ENTRIES_APART = 100;
/** A demo that takes longer has failed. */
const STEP_TIMEOUT_MS = 20_000;

/** What each node held at a moment. */
interface Moment {
  readonly seconds: string;
  readonly text: string;
  readonly topics: readonly TopicJson[];
}

/**
 * Three nodes as processes of their own, over real QUIC on this machine: they publish, one is cut off, both sides
 * publish on, the cut heals, and all hold the same. Prints the timeline; resolves with 1 where they do not converge.
 */
export async function demo(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'icn-demo-'));
  const nodes: IcnProcess[] = [];
  try {
    const root = await new Demo(folder, nodes).run();
    const total = NAMES.length * ENTRIES_TOGETHER + 2 * ENTRIES_APART;
    await print(`converged: ${NAMES.length} nodes, ${total} entries, root ${root}`);
    return 0;
  } catch (error) {
    await print(`not converged: ${(error as Error).message}`);
    return 1;
  } finally {
    await Promise.all(nodes.map((node) => node.end()));
    await rm(folder, { recursive: true, force: true });
  }
}

class Demo {
  readonly #folder: string;
  readonly #nodes: IcnProcess[];
  readonly #startMs = performance.now();
  readonly #moments: Moment[] = [];

  constructor(folder: string, nodes: IcnProcess[]) {
    this.#folder = folder;
    this.#nodes = nodes;
  }

  async run(): Promise<string> {
    await this.#startNodes();
    await this.#publishTogether();
    await this.#cut();
    await this.#publishApart();
    const root = await this.#heal();
    await this.#printTimeline();
    return root;
  }

  async #startNodes(): Promise<void> {
    await print(`Starting ${NAMES.join(', ')}: three processes, QUIC on the loopback interface …`);
    for (const name of NAMES) {
      const known = this.#nodes.flatMap(({ address }) => ['--peer', address]);
      const args = ['--name', name, '--no-mdns', '--listen', 'quic://127.0.0.1:0', ...known];
      this.#nodes.push(await IcnProcess.start(join(this.#folder, name), args));
    }
    await this.#until('peers', (status) => status.peers.length === NAMES.length - 1);
    await this.#note('all three are connected to each other');
  }

  async #publishTogether(): Promise<void> {
    await print(`Each publishes ${ENTRIES_TOGETHER} entries …`);
    await Promise.all(
      this.#nodes.map((node, index) => node.publishLines(TOPIC, linesOf(NAMES[index]!, ENTRIES_TOGETHER))),
    );
    await this.#untilEqual(NAMES.length * ENTRIES_TOGETHER);
    await this.#note('everything published has arrived everywhere');
  }

  async #cut(): Promise<void> {
    const [ada, bob, cleo] = this.#three;
    await print('Cutting cleo off (icn block) …');
    await Promise.all([ada.block(cleo.did), bob.block(cleo.did)]);
    await eventually(
      () => cleo.status(),
      ({ peers }) => peers.length === 0,
      STEP_TIMEOUT_MS,
    );
    await this.#note('cleo is alone');
  }

  async #publishApart(): Promise<void> {
    const [ada, bob, cleo] = this.#three;
    await print(`${ENTRIES_APART} entries on each side of the cut …`);
    await Promise.all([
      ada.publishLines(TOPIC, linesOf('ada, apart', ENTRIES_APART / 2)),
      bob.publishLines(TOPIC, linesOf('bob, apart', ENTRIES_APART / 2)),
      cleo.publishLines(TOPIC, linesOf('cleo, apart', ENTRIES_APART)),
    ]);
    const isEqual = ([a, b]: readonly TopicJson[]) => a!.root === b!.root;
    await eventually(() => Promise.all([topicOf(ada), topicOf(bob)]), isEqual, STEP_TIMEOUT_MS);
    await this.#note('both sides went on, and differ now');
  }

  async #heal(): Promise<string> {
    const [ada, bob, cleo] = this.#three;
    await print('Healing the cut (icn unblock) …');
    await Promise.all([ada.unblock(cleo.did), bob.unblock(cleo.did)]);
    const root = await this.#untilEqual(NAMES.length * ENTRIES_TOGETHER + 2 * ENTRIES_APART);
    await this.#note('all three hold the same again');
    return root;
  }

  get #three(): [IcnProcess, IcnProcess, IcnProcess] {
    return this.#nodes as [IcnProcess, IcnProcess, IcnProcess];
  }

  async #until(
    what: string,
    holds: (status: Awaited<ReturnType<IcnProcess['status']>>) => boolean,
  ): Promise<void> {
    const ask = () => Promise.all(this.#nodes.map((node) => node.status()));
    try {
      await eventually(ask, (all) => all.every(holds), STEP_TIMEOUT_MS);
    } catch (error) {
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Waits until all hold `entryCount` entries under one root, and returns the root. */
  async #untilEqual(entryCount: number): Promise<string> {
    const ask = () => Promise.all(this.#nodes.map((node) => topicOf(node)));
    const isEqual = (topics: readonly TopicJson[]) =>
      topics.every(({ entries, root }) => entries === entryCount && root === topics[0]!.root);
    const topics = await eventually(ask, isEqual, STEP_TIMEOUT_MS);
    return topics[0]!.root;
  }

  async #note(text: string): Promise<void> {
    const seconds = ((performance.now() - this.#startMs) / 1_000).toFixed(1);
    this.#moments.push({
      seconds,
      text,
      topics: await Promise.all(this.#nodes.map((node) => topicOf(node))),
    });
    await print(`  ${seconds} s  ${text}`);
  }

  async #printTimeline(): Promise<void> {
    await print('');
    await print(`Timeline${' '.repeat(49)}${NAMES.map((name) => name.padEnd(16)).join('')}`);
    for (const { seconds, text, topics } of this.#moments) {
      const columns = topics.map(({ entries, root }) =>
        `${String(entries).padStart(4)} · ${root.slice(0, 6)}  `.padEnd(16),
      );
      await print(`${seconds.padStart(6)} s  ${text.padEnd(48)}${columns.join('')}`);
    }
    await print('(number of entries · first digits of the root that stands for them)');
    await print('');
  }
}

async function topicOf(node: IcnProcess): Promise<TopicJson> {
  const { topics } = await node.status();
  const topic = topics.find(({ topic: name }) => name === TOPIC);
  if (topic === undefined) throw new Error(`${node.did} does not follow ${TOPIC}`);
  return topic;
}

function linesOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name} ${index + 1}`);
}
