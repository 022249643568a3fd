import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Did, KeyPair } from '@icn/identity';
import type { Address } from '../address.js';
import { HandshakeAdmission } from '../admission.js';
import { handshakeDisplaced, handshakeTimeout } from '../close-reason.js';
import { dialAborted, dialFailure, raceDials, unlessAborted } from '../dial-race.js';
import { NetError } from '../errors.js';
import type { HostPort } from '../host-addresses.js';
import type { CloseCode, CloseReason } from '../protocol.js';
import { ProvenListener } from '../proven-listener.js';
import { ProvenAdmission } from '../proven-admission.js';
import { refusalOf } from '../refusals.js';
import type { Connection, DialOptions, ListenOptions, Listener, Transport } from '../transport.js';
import { TwinWatch } from '../twin-watch.js';
import type { Carrier } from './carrier.js';
import { MuxConnection, type MuxConnectionOptions } from './connection.js';
import { createMuxCounters, type MuxCounters } from './counters.js';
import { defaultMuxLimits, type MuxLimits } from './limits.js';
import { Proving } from './proving.js';

export interface MuxTransportOptions {
  /** Who we are. */
  readonly keyPair: KeyPair;
  readonly limits?: Partial<MuxLimits>;
  /** Asked about each peer once it is proven, before anybody gets it: a close code refuses it. */
  readonly admit?: (did: Did) => CloseCode | undefined;
  /** Another process that holds our key was met: proven, and not this transport through an address of its own. */
  readonly onTwin?: () => void;
}

/** A transport over anything that carries byte streams: many streams on each, by the frames of docs/protocol/transport.md, "TLS". */
export function createMuxTransport(carrier: Carrier, options: MuxTransportOptions): Transport {
  return new MuxTransport(carrier, options);
}

type ConnectionStart = Pick<
  MuxConnectionOptions,
  'carried' | 'role' | 'remote' | 'handshakeDeadlineMs' | 'onEnded'
> & {
  readonly expect?: Did | undefined;
  readonly isFull?: () => boolean;
  readonly onProven: (connection: MuxConnection) => void;
};

class MuxTransport implements Transport {
  readonly scheme: string;
  readonly counters: MuxCounters = createMuxCounters();
  readonly #carrier: Carrier;
  readonly #options: MuxTransportOptions;
  readonly #limits: MuxLimits;
  readonly #strangers: HandshakeAdmission;
  readonly #proven: ProvenAdmission;
  readonly #listeners = new Set<ProvenListener>();
  readonly #connections = new Set<MuxConnection>();
  /** Ends dials that are under way when the transport closes. */
  readonly #stopDials = new AbortController();
  readonly #twins: TwinWatch;
  #closed: Promise<void> | undefined;

  constructor(carrier: Carrier, options: MuxTransportOptions) {
    this.scheme = carrier.scheme;
    this.#carrier = carrier;
    this.#options = options;
    this.#limits = { ...defaultMuxLimits, ...options.limits };
    this.#strangers = new HandshakeAdmission(this.#limits);
    this.#proven = new ProvenAdmission({
      own: options.keyPair.did,
      connectionsMax: this.#limits.connectionsMax,
      counters: this.counters,
      admit: options.admit,
    });
    this.#twins = new TwinWatch(() => options.onTwin?.());
  }

  async listen(at: ListenOptions): Promise<Listener> {
    this.#throwIfClosed();
    const unproven = new Set<Duplex>();
    const socket = await this.#carrier.listen(at, (raw, remote) => {
      unproven.add(raw);
      void this.#accept(listener, raw, remote).finally(() => unproven.delete(raw));
    });
    const listener = new ProvenListener({
      scheme: this.scheme,
      did: this.#options.keyPair.did,
      local: socket.local,
      onClose: () => {
        this.#listeners.delete(listener);
        for (const raw of unproven) raw.destroy();
        return socket.close();
      },
    });
    this.#listeners.add(listener);
    if (this.#closed === undefined) return listener;
    await listener.close();
    throw closedMeanwhile();
  }

  async dial(address: Address, options: DialOptions = {}): Promise<Connection> {
    const { signal, expect = address.did } = options;
    const { scheme } = this;
    this.#throwIfClosed();
    if (signal?.aborted === true) throw dialAborted(signal);
    if (address.scheme !== scheme || address.port === 0) {
      const text = `${scheme} dials ${scheme}://HOST:PORT with a port of its own, not ${address.scheme}, port ${address.port}`;
      throw new NetError('address-invalid', text);
    }
    if (expect === this.#options.keyPair.did) {
      const reason = { code: 'own-did', by: 'us', text: 'the address names this node' } as const;
      throw dialFailure(address, reason, this.#carrier.protocol);
    }
    const resolving = this.#carrier.resolve?.(address.host) ?? Promise.resolve([address.host]);
    const hosts = await unlessAborted(resolving, signal);
    return raceDials(hosts, signal, (host, attempt) => this.#dialHost({ ...address, host }, expect, attempt));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#stopDials.abort();
    const listening = [...this.#listeners].map((listener) => listener.close());
    const connections = [...this.#connections];
    for (const connection of connections) void connection.close({ text: 'the node stops' });
    await Promise.all([...listening, ...connections.map(({ released }) => released)]);
  }

  async #accept(listener: ProvenListener, raw: Duplex, remote: HostPort): Promise<void> {
    const { handshakeTimeoutMs, acceptQueueMax } = this.#limits;
    // What goes wrong with it is seen when it closes.
    raw.on('error', () => undefined);
    const place = this.#strangers.admit(remote.host);
    if (typeof place === 'string') {
      this.counters[place] += 1;
      return void raw.destroy();
    }
    const handshakeDeadlineMs = performance.now() + handshakeTimeoutMs;
    const proving = new Proving(
      () => this.#carrier.accept(raw),
      () => void raw.destroy(),
    );
    const wasHeard = (): boolean => ((raw as Partial<Socket>).bytesRead ?? 0) > 0;
    const timer = setTimeout(() => proving.end(handshakeTimeout(wasHeard())), handshakeTimeoutMs);
    place.onDisplaced = () => proving.end(handshakeDisplaced);
    const proof = await proving.outcome.finally(() => clearTimeout(timer));
    if ('code' in proof) {
      this.counters[refusalOf(proof)] += 1;
      raw.destroy();
      return place.leave();
    }
    const onOver = this.#twins.accepted(proof.dialName);
    const connection = this.#start({
      carried: proof,
      role: 'server',
      remote,
      handshakeDeadlineMs,
      isFull: () => listener.waitingCount >= acceptQueueMax,
      onProven: (proven) => {
        place.leave();
        listener.offer(proven);
      },
      onEnded: (reason) => {
        place.leave();
        onOver(reason);
      },
    });
    place.onDisplaced = () => void connection.close(handshakeDisplaced);
    connection.start();
  }

  async #dialHost(
    address: Address,
    expect: Did | undefined,
    attempt: AbortSignal | undefined,
  ): Promise<Connection> {
    const remote = { host: address.host, port: address.port };
    const { handshakeTimeoutMs } = this.#limits;
    const signal = AbortSignal.any([this.#stopDials.signal, ...(attempt === undefined ? [] : [attempt])]);
    const handshakeDeadlineMs = performance.now() + handshakeTimeoutMs;
    // 128 random bits, so that the acceptor can tell a dial of its own process.
    const dialName = randomBytes(16).toString('hex');
    const onOver = this.#twins.dialled(dialName);
    const failure = (reason: CloseReason): NetError => {
      if (this.#stopDials.signal.aborted) return closedMeanwhile();
      if (attempt?.aborted === true) return dialAborted(attempt);
      return dialFailure(address, reason, this.#carrier.protocol);
    };
    // Not the signal itself, which also ends what lost a race that this dial may have won.
    const stop = new AbortController();
    const onStop = (): void => stop.abort();
    signal.addEventListener('abort', onStop, { once: true });
    if (signal.aborted) onStop();
    const connect = () => this.#carrier.connect(remote, dialName, stop.signal);
    const proving = new Proving(connect, onStop);
    const timer = setTimeout(() => proving.end(handshakeTimeout(false)), handshakeTimeoutMs);
    const proof = await proving.outcome.finally(() => clearTimeout(timer));
    signal.removeEventListener('abort', onStop);
    if ('code' in proof) {
      if (!signal.aborted) this.counters[refusalOf(proof)] += 1;
      onOver(proof);
      throw failure(proof);
    }
    return new Promise((resolve, reject) => {
      const connection = this.#start({
        carried: proof,
        role: 'client',
        remote,
        handshakeDeadlineMs,
        expect,
        onProven: (proven) => {
          signal.removeEventListener('abort', onAbort);
          resolve(proven);
        },
        onEnded: (reason) => {
          signal.removeEventListener('abort', onAbort);
          // Where this process dialled itself, its other end has learned of it when it hangs up.
          void connection.released.then(() => onOver(reason));
          reject(failure(reason));
        },
      });
      const onAbort = (): void => void connection.close({ text: 'dial aborted' });
      signal.addEventListener('abort', onAbort, { once: true });
      connection.start();
      if (signal.aborted) onAbort();
    });
  }

  #start({ onProven, onEnded, expect, isFull, ...start }: ConnectionStart): MuxConnection {
    const attempt = this.#proven.begin(expect, isFull);
    const connection: MuxConnection = new MuxConnection({
      ...start,
      scheme: this.scheme,
      limits: this.#limits,
      counters: this.counters,
      expectation: attempt.expectation,
      onProven: () => {
        attempt.proven();
        onProven(connection);
      },
      onEnded: (reason) => {
        attempt.ended(reason);
        onEnded(reason);
      },
    });
    this.#connections.add(connection);
    void connection.released.then(() => this.#connections.delete(connection));
    return connection;
  }

  #throwIfClosed(): void {
    if (this.#closed !== undefined) throw new NetError('connection-closed', 'this transport is closed');
  }
}

function closedMeanwhile(): NetError {
  return new NetError('connection-closed', 'this transport was closed meanwhile');
}
