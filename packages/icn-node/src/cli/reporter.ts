import { eventJson, itemJson, listeningJson } from '../json.js';
import type { IcnNode } from '../node.js';
import type { NodeEvent } from '../node-events.js';
import type { Item } from '../topic.js';
import { payloadText, plural, print, printable, printJson, shortDid, withdrawnText } from './output.js';
import type { UpOptions } from './up.js';

/** Says what happens to a running node. */
export interface Reporter {
  listening(node: IcnNode): Promise<void>;
  event(event: NodeEvent): Promise<void>;
  /** Resolves when the reader of the output has taken it. */
  item(item: Item): Promise<void>;
}

/** One JSON object a line: part of the CLI's contract. */
export const jsonReporter: Reporter = {
  listening: (node) => printJson(listeningJson(node)),
  item: (item) => printJson(itemJson(item)),
  async event(event) {
    const json = eventJson(event);
    if (json !== undefined) await printJson(json);
  },
};

/** Readable lines. */
export class PeopleReporter implements Reporter {
  readonly #options: UpOptions;
  readonly #did: string;
  /** Ids of entries that were typed here: their author knows them. */
  readonly #typed: Set<string>;
  /** Where lines go; a terminal keeps them above what is being typed. */
  say: (text: string) => void | Promise<void> = print;

  constructor(options: UpOptions, node: IcnNode, typed: Set<string>) {
    this.#options = options;
    this.#did = node.did;
    this.#typed = typed;
  }

  async listening(node: IcnNode): Promise<void> {
    const { name, dataDir, mdns, exchange } = this.#options;
    const [first = 'nowhere: this node only dials', ...others] = node.addresses;
    const topics = node
      .status()
      .topics.map(({ topic, entryCount }) => `${topic}, ${plural(entryCount, 'entry', 'entries')}`);
    const rows: (readonly [string, string])[] = [
      ['identity', `${node.isNew ? 'made just now' : 'known'}, kept in ${dataDir}`],
      ['listening', first],
      ...others.map((address) => ['', address] as const),
      ['peers', mdns ? 'looked for in the local network by mDNS' : 'only those named by --peer'],
      ...(exchange ? [['', 'and those of whom peers tell'] as const] : []),
      ...topics.map((topic) => ['topic', topic] as const),
    ];
    await print(`${name === undefined ? 'This node' : printable(name)} is ${node.did}`);
    for (const [title, text] of rows) await print(`  ${title.padEnd(10)} ${text}`);
  }

  async item(given: Item): Promise<void> {
    const item = itemJson(given);
    if (item.type === 'withdrawn') return this.say(`${item.topic}  ${withdrawnText(item)}`);
    if (this.#typed.delete(item.id)) return;
    const author = item.author === this.#did ? 'this node' : shortDid(item.author);
    await this.say(`${item.topic}  ${author}: ${payloadText(item)}`);
  }

  async event(event: NodeEvent): Promise<void> {
    switch (event.type) {
      case 'peer-up':
        return this.say(`peer up    ${shortDid(event.did)}  ${event.address.split('?')[0]}`);
      case 'peer-down': {
        const { code, text } = event.reason;
        return this.say(
          `peer down  ${shortDid(event.did)}  ${code}${text === '' ? '' : `: ${printable(text)}`}`,
        );
      }
      case 'warning':
        return this.say(`warning    ${event.message}`);
      case 'failed':
        return this.say(`failed     ${event.error.message}`);
      case 'delivered':
      case 'withdrawn':
        return;
      default:
        event satisfies never;
    }
  }
}
