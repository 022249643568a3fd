import { getEventListeners } from 'node:events';
import { generateKeyPair } from '@icn/identity';
import type { ConformanceFixture } from '../src/conformance/index.js';
import { NetError, type Connection, type Listener, type Stream, type Transport } from '../src/index.js';

/** An adapter with exactly one rule broken, and the case that must notice. */
export interface Broken {
  readonly notices: string;
  readonly breakStream?: (stream: Stream) => Partial<Stream>;
  readonly breakConnection?: (connection: Connection) => Partial<Connection>;
  readonly breakListener?: (listener: Listener) => Partial<Listener>;
  /** Forgets what it is told about peers. */
  readonly hasNoPolicy?: true;
  readonly breakTransport?: (transport: Transport) => Partial<Transport>;
}

const cleanUps: (() => void)[] = [];

/** Ends what broken adapters left behind. */
export function cleanUpBroken(): void {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
}

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

/** An adapter in which what `broken` says is wrong, and nothing else. */
export function breakAdapter(fixture: ConformanceFixture, broken: Broken): ConformanceFixture {
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
    async createTransport(keyPair, policy) {
      const each = await fixture.createTransport(keyPair, broken.hasNoPolicy === true ? {} : policy);
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

export const brokenAdapters: readonly Broken[] = [
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
    notices: 'accepts any proven DID where none is expected',
    breakTransport: (transport) => ({
      dial: async (address, options) => {
        if (address.did === undefined) throw new NetError('peer-mismatch', 'whom do you expect?');
        return transport.dial(address, options);
      },
    }),
  },
  {
    notices: 'refuses to connect to its own DID',
    breakTransport: (transport) => ({
      dial: (address, options) =>
        transport.dial(address, options).catch((error: NetError) => {
          // Fails, but does not say why.
          throw error.reason?.code === 'own-did' ? new NetError('dial-failed', 'no') : error;
        }),
    }),
  },
  {
    notices: 'asks about each proven peer, on both sides, and refuses it by the code it is told',
    hasNoPolicy: true,
  },
  {
    notices: 'cancels dial by its signal',
    breakTransport: (transport) => ({
      dial: (address, { signal: _signal, ...options } = {}) => transport.dial(address, options),
    }),
  },
  {
    notices: 'leaves no connection of a dial that was cancelled on the way',
    breakTransport: (transport) => ({
      dial: (address, { signal, ...options } = {}) =>
        new Promise((resolve, reject) => {
          const onAbort = () => reject(new NetError('aborted', 'cancelled, but goes on'));
          signal?.addEventListener('abort', onAbort, { once: true });
          transport.dial(address, options).then(resolve, reject);
        }),
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
    notices: 'lets either side open streams',
    breakConnection: ({ direction }) => (direction === 'inbound' ? { openStream: () => never } : {}),
  },
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
    notices: 'leaves the bytes of a read to the reader',
    breakStream: (stream) => {
      const scratch = new Uint8Array(1 << 20);
      return {
        read: async () => {
          const bytes = await stream.read();
          if (bytes === undefined) return undefined;
          scratch.set(bytes);
          return scratch.subarray(0, bytes.length);
        },
      };
    },
  },
  {
    notices: 'takes a write of nothing, and one larger than any window, in both directions at once',
    breakStream: (stream) => ({ write: (bytes) => stream.write(bytes.subarray(0, 1 << 20)) }),
  },
  {
    notices: 'carries many short streams, 100 at a time: none hangs, none is lost',
    breakConnection: (connection) => {
      let count = 0;
      return {
        openStream: async (options) => {
          const stream = await connection.openStream(options);
          count += 1;
          // As the package's own JavaScript layer did to three in a thousand.
          return count === 150 ? overridden(stream, { end: async () => {} }) : stream;
        },
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
    notices: 'shows a reset to a peer that is not reading',
    breakStream: (stream) => ({ write: (bytes) => stream.write(bytes).catch(() => never) }),
  },
  {
    notices: 'takes back the place of a reset stream and leaves the others alone',
    breakStream: () => ({ reset: () => {} }),
  },
  {
    notices: 'slows a writer down while nobody reads, within twice the window, and loses nothing',
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
    notices: 'slows a writer down when its reader stops on the way, within twice the window',
    breakStream: (stream) => {
      let takenBytes = 0;
      return {
        // Has backpressure at the beginning of a stream alone.
        write: async (bytes) => {
          takenBytes += bytes.length;
          const writing = stream.write(bytes);
          writing.catch(() => {});
          if (takenBytes < 128 * 1024) await writing;
        },
      };
    },
  },
  {
    notices: 'lets other streams pass one that nobody reads',
    breakConnection: (connection) => {
      let last = Promise.resolve();
      return {
        // One write of a connection at a time.
        openStream: async (options) => {
          const stream = await connection.openStream(options);
          return overridden(stream, { write: (bytes) => (last = last.then(() => stream.write(bytes))) });
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
    notices: 'leaves nothing on a signal once what it could have cancelled is done',
    breakConnection: (connection) => ({
      openStream: (options) => {
        const { signal } = options ?? {};
        if (signal !== undefined && getEventListeners(signal, 'abort').length === 0)
          signal.addEventListener('abort', () => undefined);
        return connection.openStream(options);
      },
    }),
  },
  {
    notices: 'shows the code and the text of a close to the other side',
    breakConnection: (connection) => ({ close: () => connection.close() }),
  },
  {
    notices: 'cuts the text of a close to 200 bytes, between characters',
    breakConnection: (connection) => ({
      // Counts characters.
      closed: connection.closed.then((reason) => ({ ...reason, text: reason.text.slice(0, 50) })),
    }),
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
    notices: 'leaves nothing of closed connections behind while their transports live on',
    breakConnection: () => {
      const timer = setInterval(() => {}, 1000);
      cleanUps.push(() => clearInterval(timer));
      return {};
    },
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
