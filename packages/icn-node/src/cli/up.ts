import { createInterface } from 'node:readline';
import { ControlServer } from '../control/control-server.js';
import { entryJson } from '../json.js';
import { createNode, type IcnNode } from '../node.js';
import type { NodeEvent } from '../node-events.js';
import type { Entry } from '../topic.js';
import { payloadText, print, printable, printJson, shortDid } from './output.js';

export interface UpOptions {
  readonly dataDir: string;
  readonly json: boolean;
  readonly name: string | undefined;
  readonly listen: readonly string[];
  readonly peer: readonly string[];
  readonly topic: readonly string[];
  readonly mdns: boolean;
}

/** Says what happens to a running node. */
interface Reporter {
  listening(node: IcnNode): void;
  event(event: NodeEvent): void;
  entry(entry: Entry): void;
}

/** Runs a node until a signal ends it, or its store fails; resolves with the exit code. */
export async function up(options: UpOptions): Promise<number> {
  const { dataDir, listen, peer, mdns, topic: topics } = options;
  const addresses = listen.length > 0 ? { listen: [...listen] } : {};
  const node = await createNode({ dataDir, peers: [...peer], topics: [...topics], mdns, ...addresses });
  const typed = new Set<string>();
  const reporter = options.json ? jsonReporter : new PeopleReporter(options, node, typed);
  const backlog = new Backlog();
  node.subscribe((event) => backlog.say(() => reporter.event(event)));
  for (const topic of topics) void report(node, topic, (entry) => backlog.say(() => reporter.entry(entry)));
  const ended = untilEnded(node);
  try {
    const control = await ControlServer.start(node, dataDir);
    try {
      reporter.listening(node);
      backlog.open();
      if (process.stdin.isTTY && !options.json) publishTyped(node, topics[0]!, typed);
      return await ended;
    } finally {
      await control.close();
    }
  } finally {
    await node.close();
    process.stdin.destroy();
  }
}

/** Keeps what happens before the node has said that it listens, which is always its first line. */
class Backlog {
  #held: (() => void)[] | undefined = [];

  say(report: () => void): void {
    if (this.#held === undefined) report();
    else this.#held.push(report);
  }

  open(): void {
    for (const report of this.#held ?? []) report();
    this.#held = undefined;
  }
}

/** The first signal ends the node in order; a second one ends the process at once. */
function untilEnded(node: IcnNode): Promise<number> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve(0);
        process.once(signal, () => process.exit(130));
      });
    }
    node.subscribe((event) => {
      if (event.type === 'failed') resolve(1);
    });
  });
}

async function report(node: IcnNode, topic: string, tell: (entry: Entry) => void): Promise<void> {
  for await (const entry of node.topic(topic).entries({ from: 'end' })) tell(entry);
}

function publishTyped(node: IcnNode, topic: string, typed: Set<string>): void {
  const lines = createInterface({ input: process.stdin });
  // In a terminal, Ctrl-C reaches readline first.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  lines.on('line', (text) => {
    if (text.trim() === '') return;
    node
      .topic(topic)
      .publish(text)
      .then(
        ({ id }) => typed.add(id),
        (error: Error) => print(`not published: ${error.message}`),
      );
  });
}

const jsonReporter: Reporter = {
  listening: ({ did, addresses }) => printJson({ type: 'listening', did, addresses }),
  entry: (entry) => printJson(entryJson(entry)),
  event(event) {
    switch (event.type) {
      case 'peer-up':
      case 'warning':
        return printJson(event);
      case 'peer-down':
        return printJson({
          type: 'peer-down',
          did: event.did,
          reason: event.reason.code,
          by: event.reason.by,
          text: event.reason.text,
        });
      case 'failed':
        return printJson({ type: 'failed', message: event.error.message });
      case 'delivered':
        return;
      default:
        event satisfies never;
    }
  },
};

class PeopleReporter implements Reporter {
  readonly #options: UpOptions;
  readonly #did: string;
  readonly #typed: Set<string>;

  constructor(options: UpOptions, node: IcnNode, typed: Set<string>) {
    this.#options = options;
    this.#did = node.did;
    this.#typed = typed;
  }

  listening(node: IcnNode): void {
    const { name, dataDir, topic: topics, mdns } = this.#options;
    const origin = node.isNew ? 'made just now' : 'known';
    print(`${name === undefined ? 'This node' : name} is ${node.did}`);
    print(`  identity   ${origin}, kept in ${dataDir}`);
    const [first, ...others] = node.addresses;
    print(`  listening  ${first ?? 'nowhere: this node only dials'}`);
    for (const address of others) print(`             ${address}`);
    print(`  peers      ${mdns ? 'looked for in the local network by mDNS' : 'only those named by --peer'}`);
    for (const { topic, entryCount } of node.status().topics)
      print(`  topic      ${topic}, ${entryCount} entries`);
    if (process.stdin.isTTY)
      print(`Type a line and press Enter to publish it to ${topics[0]}. Ctrl-C ends the node.`);
  }

  entry(entry: Entry): void {
    if (this.#typed.delete(entry.id)) return;
    const author = entry.author === this.#did ? 'this node' : shortDid(entry.author);
    print(`${entry.topic}  ${author}: ${payloadText(entryJson(entry))}`);
  }

  event(event: NodeEvent): void {
    switch (event.type) {
      case 'peer-up':
        return print(`peer up    ${shortDid(event.did)}  ${event.address.split('?')[0]}`);
      case 'peer-down':
        return print(
          `peer down  ${shortDid(event.did)}  ${event.reason.code}${event.reason.text && `: ${printable(event.reason.text)}`}`,
        );
      case 'warning':
        return print(`warning    ${event.message}`);
      case 'failed':
        return print(`failed     ${event.error.message}`);
      case 'delivered':
        return;
      default:
        event satisfies never;
    }
  }
}
