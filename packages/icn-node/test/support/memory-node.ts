import { createMemoryTransport, MemoryNetwork } from '@icn/net';
import type { EntryStore } from '@icn/gossip';
import { createNode, MemoryStore, type IcnNode, type Item, type NodeOptions } from '../../src/index.js';
import { afterTest } from './temporary.js';

/** A node over the memory transport, closed after the test: the same composition, without a socket. */
export async function startMemoryNode(
  network: MemoryNetwork,
  name: string,
  options: NodeOptions = {},
  store: EntryStore = new MemoryStore(),
): Promise<IcnNode> {
  const node = await createNode(
    { listen: [`memory://${name}:1`], mdns: false, ...options },
    { store, transports: (given) => [createMemoryTransport({ ...given, network })] },
  );
  afterTest(() => node.close());
  return node;
}

/** Starts nodes in this process that reach each other over one transport: memory, or a real one on the loopback interface. */
export function nodesOver(
  scheme: 'memory' | 'quic' | 'tls',
): (name: string, options?: NodeOptions) => Promise<IcnNode> {
  const network = new MemoryNetwork();
  if (scheme === 'memory') return (name, options) => startMemoryNode(network, name, options);
  return async (_name, options) => {
    const node = await createNode({ listen: [`${scheme}://127.0.0.1:0`], mdns: false, ...options });
    afterTest(() => node.close());
    return node;
  };
}

/** The next items of a reader, which then ends. */
export async function take<Value extends Item>(items: AsyncIterable<Value>, count: number): Promise<Value[]> {
  const taken: Value[] = [];
  for await (const item of items) if (taken.push(item) === count) break;
  return taken;
}

export function textOf(item: Item): string {
  return item.type === 'entry' ? Buffer.from(item.payload ?? []).toString() : item.type;
}
