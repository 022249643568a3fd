import { readFileSync } from 'node:fs';
import { parseTopic } from '@icn/gossip';
import { parseDid } from '@icn/identity';
import type { ScryptCost } from '@icn/identity/keystore';
import { parseAddress } from '@icn/net';
import { Command, Option } from 'commander';
import { parseConsumerName } from '../consumers.js';
import { RECONCILE, TRUST_CLASSES } from '../options.js';
import { checked, command, didArgument, many, topicArgument } from './arguments.js';
import * as commands from './commands.js';
import type { CommandOptions } from './commands.js';
import { addIdentity, passphraseFileOption } from './identity-program.js';
import { addTrust } from './trust-program.js';
import type { UpOptions } from './up.js';

const packageJson = new URL('../../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string };

/** How long the reader of a node's output has for its last lines. */
const LAST_LINES_MS = 1_000;

function parsePosition(text: string): void {
  if (!/^[1-9][0-9]{0,14}$/.test(text)) throw new Error('A position is a whole number from 1.');
}

function parseCount(text: string): void {
  if (!/^[0-9]{1,15}$/.test(text)) throw new Error('How many is a whole number from 0.');
}

function parsePositionOrEnd(text: string): void {
  if (text !== 'end') parsePosition(text);
}

/** What tests may swap. */
export interface ProgramOptions {
  /** What opening an identity costs that a command writes; no option of the command line weakens it. */
  readonly cost?: ScryptCost;
}

/**
 * The `icn` command line. Each command tells its exit code to `done`; what it throws is the caller's to report, and with
 * `isJson` the wrong usage too, which is printed here otherwise.
 */
export function createProgram(
  done: (exitCode: number) => void,
  isJson: boolean,
  { cost }: ProgramOptions = {},
): Command {
  const program = new Command('icn')
    .description('A node that replicates topics with its peers by gossip, and the tools to use it.')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => (isJson ? undefined : write(text)) });
  addRunning(program, done);
  addTopics(program, done);
  addPeers(program, done);
  addIdentity(program, done, cost);
  addTrust(program, done);
  return program;
}

/** What was not said is missing. */
type UpArguments = Omit<UpOptions, 'listen' | 'peer' | 'topic'> &
  Partial<Pick<UpOptions, 'listen' | 'peer' | 'topic'>>;

function addRunning(program: Command, done: (exitCode: number) => void): void {
  command(program, 'up', 'run a node until Ctrl-C; a line typed in a terminal is published')
    .option('--name <name>', 'what to call this node in its output')
    .option(
      '--listen <address>',
      'listen on quic://HOST:PORT or tls://HOST:PORT; port 0 takes a free one (repeatable)',
      many(parseAddress),
    )
    .option(
      '--peer <address>',
      'reach quic://HOST:PORT?did=DID or tls://…, whatever mDNS finds (repeatable)',
      many(parseAddress),
    )
    .option('--topic <topic>', 'follow a topic (repeatable; default: lobby)', many(parseTopic))
    .addOption(
      new Option('--reconcile <how>', 'how to tell peers what this node holds, when they repair what differs')
        .choices(RECONCILE)
        .default('auto'),
    )
    .addOption(passphraseFileOption())
    .addOption(
      new Option('--strangers <class>', 'how far to trust peers of whom nobody says anything better')
        .choices(TRUST_CLASSES)
        .default('federated'),
    )
    .option('--no-mdns', 'do not announce this node, nor look for others, in the local network')
    .option('--no-exchange', 'do not ask peers where others are, nor tell them')
    .action(async ({ listen = [], peer = [], topic = ['lobby'], ...others }: UpArguments) => {
      const { up } = await import('./up.js');
      const exitCode = await up({ ...others, listen, peer, topic });
      done(exitCode);
      // Whoever does not read our last lines does not keep us.
      setTimeout(() => process.exit(exitCode), LAST_LINES_MS).unref();
    });

  command(program, 'status', 'who and where the node is, its peers, topics and counted drops').action(
    async (options: CommandOptions) => done(await commands.status(options)),
  );

  program
    .command('demo')
    .description('three nodes on this machine: publish, cut one off, heal, converge')
    .action(async () => {
      const { demo } = await import('../demo/demo.js');
      done(await demo());
    });
}

function addTopics(program: Command, done: (exitCode: number) => void): void {
  type PublishOptions = CommandOptions & { lines: boolean };
  type ReadOptions = Omit<commands.EntriesOptions, 'follow'>;

  command(program, 'publish', 'publish an entry; without text or with -, standard input is the payload')
    .addArgument(topicArgument())
    .argument('[text]', 'the payload')
    .option('--lines', 'publish each line of standard input as an entry of its own', false)
    .action(async (topic: string, text: string | undefined, options: PublishOptions, self: Command) => {
      const readsInput = text === undefined || text === '-';
      if (options.lines && !readsInput) self.error('error: --lines reads standard input: leave the text out');
      if (text === undefined && process.stdin.isTTY)
        self.error('error: nothing to publish: give a text, or - to type it');
      done(await commands.publish(topic, text, options));
    });

  const entries = command(program, 'entries', 'print the entries of a topic, in causal order')
    .addArgument(topicArgument())
    .option('--from <position>', 'begin at this position', checked(parsePosition), '1');
  addPlace(entries).action(async (topic: string, options: ReadOptions) => {
    done(await commands.entries(topic, { ...options, follow: false }));
  });

  const tail = command(program, 'tail', 'print the entries of a topic, and then new ones as they come')
    .addArgument(topicArgument())
    .option(
      '--from <position>',
      'begin at this position; `end` for new entries only',
      checked(parsePositionOrEnd),
      '1',
    );
  addPlace(tail).action(async (topic: string, options: ReadOptions) => {
    done(await commands.entries(topic, { ...options, follow: true }));
  });

  command(program, 'consumers', 'the consumers of a topic, and the position that each has committed')
    .addArgument(topicArgument())
    .option('--forget <name>', 'forget this one', checked(parseConsumerName))
    .action(async (topic: string, options: CommandOptions & { forget?: string }) =>
      done(await commands.consumers(topic, options)),
    );

  command(program, 'leave', 'follow a topic no more; its entries stay')
    .addArgument(topicArgument())
    .action(async (topic: string, options: CommandOptions) => done(await commands.leave(topic, options)));

  command(program, 'sync', 'what the recent reconciliation sessions of a topic cost, and why')
    .addArgument(topicArgument())
    .requiredOption('--explain', 'print the bill of each session')
    .option('--peer <did>', 'sessions with this peer only', checked(parseDid))
    .action(async (topic: string, options: CommandOptions & { peer?: string }) => {
      const { explainSync } = await import('./sync.js');
      done(await explainSync(topic, options));
    });
}

/** Where to begin, besides `--from`. */
function addPlace(reading: Command): Command {
  return reading
    .addOption(
      new Option('--last <count>', 'begin so many positions before the end')
        .argParser(checked(parseCount))
        .conflicts('from'),
    )
    .addOption(
      new Option(
        '--consumer <name>',
        'begin where the consumer of that name left, and commit what is printed',
      )
        .argParser(checked(parseConsumerName))
        .conflicts(['from', 'last']),
    );
}

function addPeers(program: Command, done: (exitCode: number) => void): void {
  command(program, 'peers', 'the peers that are connected, and those that are blocked').action(
    async (options: CommandOptions) => done(await commands.peers(options)),
  );

  command(program, 'block', 'drop a peer and refuse it')
    .addArgument(didArgument())
    .action(async (did: string, options: CommandOptions) =>
      done(await commands.setBlocked(did, true, options)),
    );

  command(program, 'unblock', 'let a blocked peer in again')
    .addArgument(didArgument())
    .action(async (did: string, options: CommandOptions) =>
      done(await commands.setBlocked(did, false, options)),
    );
}
