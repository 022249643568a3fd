import type { Reconcile } from '@icn/gossip';
import type { TrustClass } from '@icn/identity/trust';
import { ControlServer } from '../control/control-server.js';
import { createNode, type IcnNode } from '../node.js';
import type { Item } from '../topic.js';
import { keystoreIn } from './identity.js';
import { onOutputLost, print } from './output.js';
import { currentPassphrase } from './passphrases.js';
import { jsonReporter, PeopleReporter, type Reporter } from './reporter.js';
import { Terminal } from './terminal.js';

export interface UpOptions {
  readonly dataDir: string;
  readonly json: boolean;
  readonly name: string | undefined;
  readonly listen: readonly string[];
  readonly peer: readonly string[];
  readonly topic: readonly string[];
  readonly mdns: boolean;
  readonly exchange: boolean;
  readonly reconcile: Reconcile;
  readonly passphraseFile?: string;
  readonly strangers: TrustClass;
}

/** Runs a node until a signal ends it, or its store fails; resolves with the exit code. */
export async function up(options: UpOptions): Promise<number> {
  onOutputLost('live-on');
  const ending = new AbortController();
  const signalled = untilSignalled(ending);
  const { dataDir, listen, peer, mdns, exchange, reconcile, strangers, topic: topics } = options;
  let passphrase: string | undefined;
  try {
    passphrase = await currentPassphrase(keystoreIn(dataDir), options, ending.signal);
  } catch (error) {
    if (ending.signal.aborted) return 0;
    throw error;
  }
  const addresses = listen.length > 0 ? { listen: [...listen] } : {};
  const node = await createNode({
    dataDir,
    passphrase,
    peers: [...peer],
    topics: [...topics],
    mdns,
    exchange,
    reconcile,
    strangers,
    ...addresses,
  });
  const typed = new Set<string>();
  const people = options.json ? undefined : new PeopleReporter(options, node, typed);
  const reporter: Reporter = people ?? jsonReporter;
  const ended = Promise.race([signalled, untilFailed(node)]);
  // The first line says that the node listens; what happens before waits, in its order.
  let sayListening: () => void = () => undefined;
  const listening = new Promise<void>((resolve) => (sayListening = resolve));
  node.subscribe((event) => void listening.then(() => reporter.event(event)));
  const tell = (item: Item) => listening.then(() => reporter.item(item));
  for (const topic of topics) void report(node, topic, tell);
  let terminal: Terminal | undefined;
  try {
    const control = await ControlServer.start(node, dataDir);
    try {
      await reporter.listening(node);
      if (people !== undefined && process.stdin.isTTY) {
        terminal = await openTerminal(node, topics[0]!, typed);
        people.say = (text) => terminal?.print(text);
      }
      sayListening();
      return await ended;
    } finally {
      await control.close();
    }
  } finally {
    terminal?.close();
    sayListening();
    await node.close();
    process.stdin.destroy();
  }
}

/** The first signal ends the node in order, or the asking for its passphrase; a second one ends the process at once. */
function untilSignalled(ending: AbortController): Promise<number> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve(0);
        ending.abort();
        process.once(signal, () => process.exit(130));
      });
    }
  });
}

function untilFailed(node: IcnNode): Promise<number> {
  return new Promise((resolve) => {
    node.subscribe((event) => {
      if (event.type === 'failed') resolve(1);
    });
  });
}

/** Tells what is delivered or withdrawn from now on, no faster than it is taken. Ends with the node. */
async function report(node: IcnNode, topic: string, tell: (item: Item) => Promise<void>): Promise<void> {
  try {
    for await (const item of node.topic(topic).items({ from: 'end' })) await tell(item);
  } catch (error) {
    process.stderr.write(`icn: cannot read ${topic}: ${(error as Error).message}\n`);
  }
}

async function openTerminal(node: IcnNode, topic: string, typed: Set<string>): Promise<Terminal> {
  await print(`Type a line and press Enter to publish it to ${topic}. Ctrl-C ends the node.`);
  const terminal = new Terminal((text) => {
    node
      .topic(topic)
      .publish(text)
      .then(
        ({ id }) => typed.add(id),
        (error: Error) => terminal.print(`not published: ${error.message}`),
      );
  });
  return terminal;
}
