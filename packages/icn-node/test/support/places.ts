import { createMemoryTransport, MemoryNetwork } from '@icn/net';
import { ControlServer } from '../../src/control/control-server.js';
import { ControlledNode, type EndSignal } from '../../src/demo/controlled-node.js';
import { createNode, type IcnNode } from '../../src/index.js';
import { eventJson, itemJson, listeningJson } from '../../src/json.js';
import { afterTest, quietOn, startNode, temporaryFolder } from './temporary.js';

/** How a node is started, besides what its place says. */
export interface Start {
  /** Default: a folder of its own. */
  readonly dataDir?: string;
  /** Default: a free one. */
  readonly port?: string;
  /** An address to reach. */
  readonly peer?: string;
}

/** Where nodes are started that reach each other by one transport; each is gone after the test. */
export interface Place {
  readonly scheme: string;
  start(options?: Start): Promise<ControlledNode>;
}

/** A node in this process, which says and is asked the same as one of `icn up`. */
class NodeInProcess extends ControlledNode {
  readonly #node: IcnNode;
  #control: ControlServer | undefined;
  readonly #kill: () => void;
  #ended: Promise<void> | undefined;

  /** To be made in the turn in which the node is there: an event that nobody listens to is lost. */
  constructor(dataDir: string, node: IcnNode, kill: () => void) {
    super(dataDir);
    this.#node = node;
    this.#kill = kill;
    this.said(listeningJson(node));
    node.subscribe((event) => {
      const json = eventJson(event);
      if (json !== undefined) this.said({ ...json });
    });
    void this.#tell('lobby');
  }

  async control(): Promise<void> {
    this.#control = await ControlServer.start(this.#node, this.dataDir);
  }

  override end(signal: EndSignal = 'SIGTERM'): Promise<void> {
    if (signal === 'SIGKILL') this.#kill();
    this.#ended ??= this.#close();
    return this.#ended;
  }

  protected override endedBecause(): string | undefined {
    return this.#ended === undefined ? undefined : 'the test ended it';
  }

  async #close(): Promise<void> {
    await this.#control?.close();
    await this.#node.close();
  }

  async #tell(topic: string): Promise<void> {
    for await (const item of this.#node.topic(topic).items({ from: 'end' })) this.said({ ...itemJson(item) });
  }
}

/** Each node a process of `icn up`. */
export function processesOver(scheme: string): Place {
  return {
    scheme,
    async start({ dataDir, port = '0', peer } = {}) {
      const args = [...quietOn(scheme, port), ...(peer === undefined ? [] : ['--peer', peer])];
      return startNode(dataDir ?? (await temporaryFolder()), ...args);
    },
  };
}

/** All nodes in this process, over a network in memory that is all their own. */
export function oneProcess(): Place {
  const network = new MemoryNetwork();
  return {
    scheme: 'memory',
    async start({ dataDir = '', port = '0', peer } = {}) {
      const folder = dataDir === '' ? await temporaryFolder() : dataDir;
      const peers = peer === undefined ? [] : [peer];
      const listen = [`memory://127.0.0.1:${port}`];
      const options = { dataDir: folder, mdns: false, topics: ['lobby'], listen, peers };
      const node = await createNode(options, {
        transports: (given) => [createMemoryTransport({ ...given, network })],
      });
      const inProcess = new NodeInProcess(folder, node, () => network.kill(node.did));
      afterTest(() => inProcess.end());
      await inProcess.control();
      return inProcess;
    },
  };
}
