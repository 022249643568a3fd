import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import { transportConformance, type ConformanceFixture } from '../src/conformance/index.js';
import { NetError, type Connection, type Listener, type Stream, type Transport } from '../src/index.js';
import { memoryFixture } from './fixtures.js';

/** An adapter with exactly one rule broken, and the case that must notice. */
interface Broken {
  readonly notices: string;
  readonly breakStream?: (stream: Stream) => Partial<Stream>;
  readonly breakConnection?: (connection: Connection) => Partial<Connection>;
  readonly breakListener?: (listener: Listener) => Partial<Listener>;
  readonly breakTransport?: (transport: Transport) => Partial<Transport>;
}

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** `target` with some members replaced. */
function overridden<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(_target, name) {
      if (Object.hasOwn(members, name)) return members[name as keyof T];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function mapped<T>(values: AsyncIterable<T>, change: (value: T) => T): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = values[Symbol.asyncIterator]();
      return {
        async next() {
          const result = await iterator.next();
          return result.done === true ? result : { done: false, value: change(result.value) };
        },
      };
    },
  };
}

function breakAdapter(fixture: ConformanceFixture, broken: Broken): ConformanceFixture {
  const stream = (each: Stream): Stream => overridden(each, broken.breakStream?.(each) ?? {});
  const connection = (each: Connection): Connection => {
    const whole = overridden(each, {
      openStream: async (options) => stream(await each.openStream(options)),
      streams: () => mapped(each.streams(), stream),
    });
    return overridden(whole, broken.breakConnection?.(whole) ?? {});
  };
  const listener = (each: Listener): Listener => {
    const whole = overridden(each, {
      [Symbol.asyncIterator]: () => mapped(each, connection)[Symbol.asyncIterator](),
    });
    return overridden(whole, broken.breakListener?.(whole) ?? {});
  };
  return {
    ...fixture,
    patienceMs: 400,
    async createTransport(keyPair) {
      const each = await fixture.createTransport(keyPair);
      const whole = overridden(each, {
        dial: async (address, options) => connection(await each.dial(address, options)),
        listen: async (options) => listener(await each.listen(options)),
      });
      return overridden(whole, broken.breakTransport?.(whole) ?? {});
    },
  };
}

const strangerDid = generateKeyPair().did;
const never = new Promise<never>(() => {});

const brokenAdapters: readonly Broken[] = [
  { notices: 'proves to each side who the other is', breakConnection: () => ({ remote: strangerDid }) },
  {
    notices: 'names the DID and a real port in the addresses of a listener',
    breakListener: ({ addresses }) => ({ addresses: addresses.map((address) => ({ ...address, port: 0 })) }),
  },
  {
    notices: 'refuses another DID than expected, and hands nothing to the listener',
    breakTransport: (transport) => ({ dial: ({ did: _did, ...address }) => transport.dial(address) }),
  },
  {
    notices: 'cancels dial by its signal',
    breakTransport: (transport) => ({
      dial: (address, { signal: _signal, ...options } = {}) => transport.dial(address, options),
    }),
  },
  {
    notices: 'gives up a dial to nobody in bounded time',
    breakTransport: (transport) => ({
      dial: (address, options) => transport.dial(address, options).catch(() => never),
    }),
  },
  {
    notices: 'refuses addresses of another scheme',
    breakTransport: (transport) => ({
      dial: (address, options) => transport.dial({ ...address, scheme: 'memory' }, options),
    }),
  },
  {
    notices: 'refuses to listen where somebody listens',
    breakTransport: (transport) => ({
      listen: (options) => transport.listen(options).catch(() => transport.listen({ ...options, port: 0 })),
    }),
  },
  { notices: 'delivers bytes both ways on one stream', breakStream: () => ({ write: async () => {} }) },
  {
    notices: 'keeps the order of the bytes of a stream',
    breakStream: (stream) => ({
      write: (bytes) => stream.write(bytes.length > 2000 ? Uint8Array.from(bytes).reverse() : bytes),
    }),
  },
  {
    notices: 'leaves the bytes of a finished write to the caller',
    breakStream: (stream) => {
      let last = Promise.resolve();
      return {
        // Copies after it has said that the bytes are the caller's again.
        write: async (bytes) => {
          last = last
            .then(() => new Promise((resolve) => setTimeout(resolve, 5)))
            .then(() => stream.write(bytes));
        },
        end: () => last.then(() => stream.end()),
      };
    },
  },
  {
    notices: 'half-closes: the peer reads to the end and may still write',
    breakStream: (stream) => ({ end: async () => stream.reset() }),
  },
  {
    notices: 'shows the end of a stream long after its last byte',
    breakStream: () => {
      // As quiche does to a FIN of its own.
      return { end: async () => {} };
    },
  },
  {
    notices: 'shows a reset to the reads and writes of the peer',
    breakStream: (stream) => ({ reset: () => void stream.end() }),
  },
  {
    notices: 'takes back the place of a reset stream and leaves the others alone',
    breakStream: () => ({ reset: () => {} }),
  },
  {
    notices: 'slows a writer down while nobody reads, and loses nothing',
    breakStream: (stream) => {
      let last = Promise.resolve();
      return {
        write: async (bytes) => {
          const copy = Uint8Array.from(bytes);
          last = last.then(() => stream.write(copy));
          last.catch(() => {});
        },
      };
    },
  },
  {
    notices: 'makes openStream wait at the stream limit, and go on when a stream ends',
    breakConnection: (connection) => {
      let count = 0;
      return {
        openStream: async (options) => {
          count += 1;
          if (count > 100) throw new NetError('stream-reset', 'stream limit');
          return connection.openStream(options);
        },
      };
    },
  },
  {
    notices: 'cancels a waiting openStream by its signal, and the connection lives on',
    breakConnection: (connection) => ({ openStream: () => connection.openStream() }),
  },
  {
    notices: 'shows the code and the text of a close to the other side',
    breakConnection: (connection) => ({ close: () => connection.close() }),
  },
  {
    notices: 'ends everything that waits on a connection when it closes, at both ends',
    breakConnection: () => ({ close: async () => {} }),
  },
  {
    notices: 'closes once: the first reason stands, on both sides',
    breakConnection: (connection) => {
      let last = connection.closed;
      return {
        close: async (reason) => {
          await connection.close(reason);
          last = Promise.resolve({ code: 'done', by: 'us', text: '', ...reason });
        },
        get closed() {
          return last;
        },
      };
    },
  },
  {
    notices: 'counts at least the bytes that streams carry, each way, and tells of them after the end',
    breakConnection: (connection) => ({
      stats: () => ({ ...connection.stats?.(), bytesSent: 0, bytesReceived: 0 }),
    }),
  },
  {
    notices: 'stops accepting when a listener closes, and keeps what it handed over',
    breakListener: () => ({ close: async () => {} }),
  },
  {
    notices: 'closing a transport closes its listeners and connections, and tells the peers',
    breakTransport: () => ({ close: async () => {} }),
  },
  {
    notices: 'leaves no socket and no timer behind',
    breakTransport: () => {
      const timer = setInterval(() => {}, 1000);
      cleanUps.push(() => clearInterval(timer));
      return {};
    },
  },
];

describe('the suite passes an adapter that is only wrapped', () => {
  const fixture = { ...breakAdapter(memoryFixture(), { notices: '' }), patienceMs: 5000 };
  for (const { name, run } of transportConformance) it(name, () => run(fixture));
});

describe('the suite fails an adapter that breaks the rule', () => {
  it.each(brokenAdapters)('$notices', async (broken) => {
    const found = transportConformance.find(({ name }) => name === broken.notices);
    const run = found?.run(breakAdapter(memoryFixture(), broken));
    expect(run).toBeDefined();
    await expect(run).rejects.toMatchObject({ message: expect.any(String) });
  });
});
