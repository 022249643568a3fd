import assert from 'node:assert/strict';
import { generateKeyPair, type KeyPair } from '@icn/identity';
import type { Address } from '../address.js';
import { NetError, type NetErrorCode } from '../errors.js';
import type { Connection, Listener, Stream, Transport } from '../transport.js';
import type { ConformanceFixture, PeerPolicy } from './fixture.js';

/** How long something that must *not* happen is watched for. The only waits by the clock in the suite. */
const watchMs = 150;

/** A node of a test: who it is and what it dials with. */
export interface Side {
  readonly keyPair: KeyPair;
  readonly transport: Transport;
}

/** What cases use: sides, links between them, and waits that fail instead of hanging. */
export class Bench {
  readonly fixture: ConformanceFixture;
  readonly #transports: Transport[] = [];

  constructor(fixture: ConformanceFixture) {
    this.fixture = fixture;
  }

  /** Runs a case and closes whatever it made. */
  static async use(fixture: ConformanceFixture, test: (bench: Bench) => Promise<void>): Promise<void> {
    const bench = new Bench(fixture);
    try {
      await test(bench);
    } finally {
      await bench.within(
        Promise.all(bench.#transports.map((transport) => transport.close())),
        'close of the transports',
      );
    }
  }

  async side(policy: PeerPolicy = {}): Promise<Side> {
    const keyPair = generateKeyPair();
    const transport = await this.fixture.createTransport(keyPair, policy);
    this.#transports.push(transport);
    return { keyPair, transport };
  }

  async listen(side: Side): Promise<{ listener: Listener; address: Address }> {
    const listener = await this.within(side.transport.listen(this.fixture.listen), 'listen');
    const [address] = listener.addresses;
    assert.ok(address, 'a listener names at least one address');
    return { listener, address };
  }

  /** Two new sides and a connection between them, as both see it. */
  async link(): Promise<{
    dialler: Side;
    acceptor: Side;
    listener: Listener;
    address: Address;
    near: Connection;
    far: Connection;
  }> {
    const acceptor = await this.side();
    const dialler = await this.side();
    const { listener, address } = await this.listen(acceptor);
    const [near, far] = await Promise.all([
      this.within(dialler.transport.dial(address), 'dial'),
      this.next(listener, 'the inbound connection'),
    ]);
    return { dialler, acceptor, listener, address, near, far };
  }

  /** A stream that both sides have; the acceptor has read the byte that announced it. */
  async stream(): Promise<{ near: Connection; far: Connection; here: Stream; there: Stream }> {
    const { near, far } = await this.link();
    const here = await this.within(near.openStream(), 'openStream');
    await this.within(here.write(Uint8Array.of(1)), 'the first write');
    const there = await this.next(far.streams(), 'the stream of the peer');
    assert.deepEqual([...((await this.read(there)) ?? [])], [1]);
    return { near, far, here, there };
  }

  async next<T>(values: AsyncIterable<T>, what: string): Promise<T> {
    const result = await this.within(values[Symbol.asyncIterator]().next(), what);
    assert.ok(result.done !== true, `${what} came, not the end`);
    return result.value;
  }

  /** The first inbound connection, to be waited for later. */
  first(listener: Listener): Promise<Connection> {
    const first = this.next(listener, 'the first inbound connection');
    // A case that fails before it waits fails for its own reason.
    first.catch(() => {});
    return first;
  }

  read(stream: Stream): Promise<Uint8Array | undefined> {
    return this.within(stream.read(), 'read');
  }

  /** All bytes up to the end of the stream; each read must settle. */
  readToEnd(stream: Stream): Promise<Uint8Array> {
    return readToEnd({ read: () => this.read(stream) });
  }

  /** The value of a promise that must settle. */
  async within<T>(promise: Promise<T>, what: string): Promise<T> {
    const { patienceMs = 5000 } = this.fixture;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const error = new assert.AssertionError({ message: `${what} did not settle within ${patienceMs} ms` });
      timer = setTimeout(() => reject(error), patienceMs);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The same for work of many steps, each of which must be done within patience of the one before. */
  async whileMoving<T>(work: Promise<T>, stepsDone: () => number, what: string): Promise<T> {
    const { patienceMs = 5000 } = this.fixture;
    let watch: NodeJS.Timeout | undefined;
    const stuck = new Promise<never>((_resolve, reject) => {
      let seen = -1;
      watch = setInterval(() => {
        const done = stepsDone();
        if (done === seen) reject(new assert.AssertionError({ message: `${what} hangs after ${done}` }));
        seen = done;
      }, patienceMs);
    });
    try {
      return await Promise.race([work, stuck]);
    } finally {
      clearInterval(watch);
    }
  }

  /** Fails unless the promise rejects with a NetError of one of the codes. */
  async rejects(
    promise: Promise<unknown>,
    what: string,
    ...codes: readonly NetErrorCode[]
  ): Promise<NetError> {
    const outcome = await this.within(
      promise.then(
        () => undefined,
        (error: unknown) => error,
      ),
      what,
    );
    assert.ok(outcome instanceof NetError, `${what} throws a NetError, not ${String(outcome)}`);
    assert.ok(codes.includes(outcome.code), `${what} throws ${codes.join(' or ')}, not ${outcome.code}`);
    return outcome;
  }

  /** Whether a promise is still open after a while; to be asked about what must not happen. */
  static async isPending(promise: Promise<unknown>): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const watched = new Promise<true>((resolve) => {
      timer = setTimeout(() => resolve(true), watchMs);
    });
    const settled = promise.then(
      () => false,
      () => false,
    );
    const pending = await Promise.race([settled, watched]);
    clearTimeout(timer);
    return pending;
  }
}

/** All bytes up to the end of a stream. */
export async function readToEnd(stream: Pick<Stream, 'read'>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes as text, for readable assertions. */
export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

/** Bytes that differ from place to place and from seed to seed. */
export function patternBytes(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 1) bytes[i] = i * 31 + (i >> 8) * 7 + seed * 131;
  return bytes;
}

/** Answers every stream of a connection with what it carried, to its end. When the connection is closed, says how many those were. */
export async function echoStreams(connection: Connection): Promise<number> {
  let count = 0;
  for await (const stream of connection.streams()) {
    count += 1;
    void echo(stream);
  }
  return count;
}

async function echo(stream: Stream): Promise<void> {
  try {
    for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read())
      await stream.write(chunk);
    await stream.end();
  } catch {
    // Reset or closed by the other side; the case sees it there.
  }
}
