import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { generateKeyPair, publicKeyFromDid, type KeyPair } from '@icn/identity';
import {
  createQuicTransport,
  encodeFrames,
  parseAddress,
  readFrames,
  type Connection,
  type Listener,
  type Stream,
  type Transport,
} from '@icn/net';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../src/demo/icn-process.js';
import { createNode, type IcnNode, type NodeOptions } from '../src/index.js';
import { afterTest } from './support/temporary.js';

const EXCHANGE_LANE = 2;

async function startNode(options: NodeOptions = {}): Promise<IcnNode> {
  const node = await createNode({ listen: ['quic://127.0.0.1:0'], mdns: false, ...options });
  afterTest(() => node.close());
  return node;
}

const peersOf = (node: IcnNode) => node.status().peers.map(({ did }) => did);

async function untilPeers(node: IcnNode, ...others: readonly IcnNode[]): Promise<void> {
  const all = others.map(({ did }) => did);
  await eventually(
    async () => peersOf(node),
    (dids) => all.every((did) => dids.includes(did)),
    10_000,
  );
}

/** The connections of a transport, as if they came from another host. */
function seenAt(host: string, transport: Transport): Transport {
  const disguise = (connection: Connection): Connection =>
    new Proxy(connection, {
      get: (target, key) => {
        if (key === 'remoteAddress') return { ...target.remoteAddress, host };
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  return {
    scheme: transport.scheme,
    counters: transport.counters,
    dial: async (...given) => disguise(await transport.dial(...given)),
    close: () => transport.close(),
    listen: async (options) => {
      const listener = await transport.listen(options);
      return {
        addresses: listener.addresses,
        close: () => listener.close(),
        async *[Symbol.asyncIterator]() {
          for await (const connection of listener) yield disguise(connection);
        },
      } satisfies Listener;
    },
  };
}

/** A socket that answers nobody, and counts who knocks. */
async function startDoor(): Promise<{ port: number; readonly knockCount: number }> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  afterTest(() => new Promise<void>((resolve) => socket.close(resolve)));
  await once(socket, 'listening');
  const door = { port: socket.address().port, knockCount: 0 };
  socket.on('message', () => (door.knockCount += 1));
  return door;
}

/** A proven peer that answers the first request of `victim` with these bytes. */
async function tell(victim: IcnNode, keyPair: KeyPair, answer: Uint8Array): Promise<void> {
  const transport = createQuicTransport({ keyPair });
  afterTest(() => transport.close());
  const connection = await transport.dial(parseAddress(victim.addresses[0]!));
  const own = await connection.openStream();
  await own.write(Uint8Array.of(EXCHANGE_LANE));
  for await (const stream of connection.streams()) {
    if (!(await isRequested(stream))) continue;
    await own.write(encodeFrames([answer]));
    return;
  }
}

/** Whether the first frame of a stream asks for addresses. */
async function isRequested(stream: Stream): Promise<boolean> {
  const first = await stream.read();
  if (first?.[0] !== EXCHANGE_LANE) return false;
  let rest: Uint8Array | undefined = first.subarray(1);
  const read = async () => {
    const bytes = rest !== undefined && rest.length > 0 ? rest : await stream.read();
    rest = undefined;
    return bytes;
  };
  for await (const [kind, wanted] of readFrames({ read }, { frameBytesMax: 64 }))
    return kind === 1 && wanted! > 0;
  return false;
}

/** An answer that names one DID at 127.0.0.1, at this port. */
const answerWith = (port: number) =>
  Uint8Array.of(
    ...[2, 1, 1, 4, 127, 0, 0, 1, port >>> 8, port & 0xff],
    ...publicKeyFromDid(generateKeyPair().did),
  );

describe('nodes that know one peer each', () => {
  it('meet the others by it, whoever comes first, and without mDNS', async () => {
    const middle = await startNode();
    const early = await startNode({ peers: [...middle.addresses] });
    await untilPeers(middle, early);
    const late = await startNode({ peers: [...middle.addresses] });
    await untilPeers(early, middle, late);
    await untilPeers(late, middle, early);
  });

  it('do so where the one in the middle dialled both', async () => {
    const [one, other] = [await startNode(), await startNode()];
    const middle = await startNode({ peers: [...one.addresses, ...other.addresses] });
    await untilPeers(one, middle, other);
  });

  it('do not where they are told not to', async () => {
    const middle = await startNode();
    const quiet = await startNode({ peers: [...middle.addresses], exchange: false });
    await untilPeers(middle, quiet);
    const late = await startNode({ peers: [...middle.addresses] });
    const third = await startNode({ peers: [...middle.addresses] });
    // Those who tell have met by now; the one who does not has heard of nobody.
    await untilPeers(late, third);
    expect(peersOf(quiet)).toEqual([middle.did]);
  });
});

describe('what a peer tells', () => {
  it('of this machine is dialled where the peer is on it', async () => {
    const victim = await startNode();
    const door = await startDoor();
    await tell(victim, generateKeyPair(), answerWith(door.port));
    await eventually(
      async () => door.knockCount,
      (count) => count > 0,
      5_000,
    );
    expect(victim.status().counters['exchange-address-refused']).toBe(0);
  });

  it('of this machine is not dialled where the peer is elsewhere, but counted', async () => {
    const victim = await createNode(
      { listen: ['quic://127.0.0.1:0'], mdns: false },
      { transports: (given) => [seenAt('8.8.8.8', createQuicTransport(given))] },
    );
    afterTest(() => victim.close());
    const door = await startDoor();
    await tell(victim, generateKeyPair(), answerWith(door.port));
    await eventually(
      async () => victim.status().counters['exchange-address-refused'],
      (count) => count === 1,
      5_000,
    );
    // It is not among what is dialled now or later.
    expect(JSON.stringify(victim.status().sought)).not.toContain(String(door.port));
    expect(door.knockCount).toBe(0);
  });

  it('costs the link where it is no frame of this lane', async () => {
    const victim = await startNode();
    const transport = createQuicTransport({ keyPair: generateKeyPair() });
    afterTest(() => transport.close());
    const connection = await transport.dial(parseAddress(victim.addresses[0]!));
    const stream = await connection.openStream();
    await stream.write(Uint8Array.of(EXCHANGE_LANE, 0, 1, 0, 0));
    expect(await connection.closed).toMatchObject({ code: 'protocol-error', by: 'peer' });
  });

  it('costs nothing where a peer does not know this lane', async () => {
    const victim = await startNode();
    const transport = createQuicTransport({ keyPair: generateKeyPair() });
    afterTest(() => transport.close());
    const connection = await transport.dial(parseAddress(victim.addresses[0]!));
    for await (const stream of connection.streams()) {
      if ((await stream.read())?.[0] !== EXCHANGE_LANE) continue;
      stream.reset();
      break;
    }
    // A frame that is counted later shows that the link still serves.
    const control = await connection.openStream();
    await control.write(Uint8Array.of(0, ...encodeFrames([Uint8Array.of(0xff)])));
    await eventually(
      async () => victim.status(),
      ({ counters }) => counters['message-malformed'] === 1,
      5_000,
    );
    expect(peersOf(victim)).toHaveLength(1);
  });
});
