import type { Did, KeyPair } from '@icn/identity';
import { formatAddress, type Address } from '../address.js';
import { HandshakeAdmission } from '../admission.js';
import { handshakeDisplaced } from '../close-reason.js';
import { dialAborted, dialFailure, raceDials, unlessAborted } from '../dial-race.js';
import { NetError } from '../errors.js';
import { reachFrom, resolveHost } from '../host-addresses.js';
import { ProvenListener } from '../proven-listener.js';
import type { CloseCode } from '../protocol.js';
import { ProvenAdmission } from '../proven-admission.js';
import type {
  Connection,
  DialOptions,
  EarlyQuestion,
  ListenOptions,
  Listener,
  Transport,
} from '../transport.js';
import { TwinWatch } from '../twin-watch.js';
import { PathConfigs } from './path-configs.js';
import type { QuicConnectionOptions } from './connection-options.js';
import { QuicConnection } from './connection.js';
import { createQuicCounters, type QuicCounters } from './counters.js';
import { DialSockets } from './dial-sockets.js';
import { QuicEndpoint, withoutZone, type EndpointLink } from './endpoint.js';
import { InitialGate } from './initial-gate.js';
import { defaultQuicLimits, type QuicLimits } from './limits.js';
import {
  loadNativeQuic,
  type HostPort,
  type NativeConnection,
  type NativeQuic,
  type NativeQuicOptions,
} from './native.js';
import { connectionIdBytes, connectionIdKey, type PacketHeader } from './packet-header.js';
import { Tickets } from './tickets.js';
import { smallRandomBytes } from './random-pool.js';

export interface QuicTransportOptions {
  /** Who we are: the key of the TLS certificate. */
  readonly keyPair: KeyPair;
  readonly limits?: Partial<QuicLimits>;
  /** Asked about each peer once it is proven, before anybody gets it: a close code refuses it. */
  readonly admit?: (did: Did) => CloseCode | undefined;
  /** Another process that holds our key was met: proven, and not this transport through an address of its own. */
  readonly onTwin?: () => void;
  /**
   * Answers what proven peers ask before their connection is open (`EarlyQuestion`). Must change nothing: whoever recorded a
   * question can have it asked again.
   */
  readonly answerEarly?: (from: Did, question: Uint8Array) => Uint8Array | undefined;
  /** How the native binding is loaded; for tests. */
  readonly native?: NativeQuicOptions;
}

/**
 * Transport over QUIC (RFC 9000) with mutual TLS 1.3 by the identity keys, ALPN `icn/1`. The native binding is loaded by
 * the first `listen` or `dial`, which throws NetError `platform-unsupported` where there is none.
 */
export function createQuicTransport(options: QuicTransportOptions): Transport {
  return new QuicTransport(options);
}

/** What to load and make once, when it is first needed. */
interface Loaded {
  readonly quic: NativeQuic;
  readonly configs: PathConfigs;
  readonly gate: InitialGate;
}

/** The largest read at once; a few windows of Ethernet frames. Guess. */
const scratchBytes = 64 * 1024;

type ConnectionStart = Pick<
  QuicConnectionOptions,
  'native' | 'ceilingBytesTo' | 'role' | 'remote' | 'routes' | 'earlyQuestion' | 'answerEarly' | 'onEnded'
> & {
  readonly expect?: Did | undefined;
  readonly link: EndpointLink;
  readonly isFull?: () => boolean;
  readonly onProven: (connection: QuicConnection) => void;
};

class QuicTransport implements Transport {
  readonly scheme = 'quic';
  readonly counters: QuicCounters = createQuicCounters();
  readonly #options: QuicTransportOptions;
  readonly #limits: QuicLimits;
  readonly #endpoints = new Set<QuicEndpoint>();
  readonly #dialSockets = new DialSockets(async (host) => this.#bind((await this.#load()).quic, host, 0));
  readonly #listeners = new Set<ProvenListener>();
  readonly #connections = new Set<QuicConnection>();
  readonly #proven: ProvenAdmission;
  readonly #twins: TwinWatch;
  readonly #tickets = new Tickets();
  readonly #scratch = new Uint8Array(scratchBytes);
  #loaded: Promise<Loaded> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: QuicTransportOptions) {
    this.#options = options;
    this.#limits = { ...defaultQuicLimits, ...options.limits };
    this.#proven = new ProvenAdmission({
      own: options.keyPair.did,
      connectionsMax: this.#limits.connectionsMax,
      counters: this.counters,
      admit: options.admit,
    });
    this.#twins = new TwinWatch(() => options.onTwin?.());
  }

  async listen({ host, port }: ListenOptions): Promise<Listener> {
    const loaded = await this.#load();
    const [address = host] = await resolveHost(host, 'address-unavailable');
    const endpoint = await this.#bind(loaded.quic, address, port);
    const listener = new ProvenListener({
      scheme: this.scheme,
      did: this.#options.keyPair.did,
      local: endpoint.local,
      onClose: () => {
        this.#listeners.delete(listener);
        return endpoint.stopListening();
      },
    });
    this.#listeners.add(listener);
    endpoint.onInitial = (datagram, header, from) =>
      this.#accept(loaded, endpoint, listener, datagram, header, from);
    return listener;
  }

  async dial(address: Address, options: DialOptions = {}): Promise<Connection> {
    const { signal, early, expect = address.did } = options;
    if (signal?.aborted === true) throw dialAborted(signal);
    if (address.scheme !== this.scheme || address.port === 0) {
      throw new NetError(
        'address-invalid',
        `quic dials quic://HOST:PORT with a port of its own, not ${address.scheme}, port ${address.port}`,
      );
    }
    if (expect === this.#options.keyPair.did) {
      const reason = { code: 'own-did', by: 'us', text: 'the address names this node' } as const;
      throw dialFailure(address, reason, 'UDP');
    }
    const loaded = await this.#load();
    const hosts = await unlessAborted(resolveHost(address.host, 'dial-failed'), signal);
    return raceDials(hosts, signal, (host, attempt) =>
      this.#dialHost(loaded, { ...address, host }, { expect, early }, attempt),
    );
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const listening = [...this.#listeners].map((listener) => listener.close());
    await Promise.all(
      [...this.#connections].map((connection) => connection.close({ text: 'the node stops' })),
    );
    await Promise.all([...listening, ...[...this.#endpoints].map((endpoint) => endpoint.close())]);
  }

  async #load(): Promise<Loaded> {
    if (this.#closed !== undefined) throw new NetError('connection-closed', 'this transport is closed');
    this.#loaded ??= loadNativeQuic(this.#options.native).then((quic) => ({
      quic,
      configs: new PathConfigs(quic, this.#options.keyPair, this.#limits),
      gate: new InitialGate({
        quic,
        admission: new HandshakeAdmission(this.#limits),
        limits: this.#limits,
        counters: this.counters,
      }),
    }));
    return this.#loaded;
  }

  async #bind(quic: NativeQuic, host: string, port: number): Promise<QuicEndpoint> {
    const { counters } = this;
    const onClosed = (closed: QuicEndpoint): boolean => this.#endpoints.delete(closed);
    const endpoint = await QuicEndpoint.bind({ quic, host, port, limits: this.#limits, counters, onClosed });
    this.#endpoints.add(endpoint);
    if (this.#closed === undefined) return endpoint;
    await endpoint.close();
    throw closedMeanwhile();
  }

  #accept(
    { quic, configs, gate }: Loaded,
    endpoint: QuicEndpoint,
    listener: ProvenListener,
    datagram: Buffer,
    header: PacketHeader,
    from: HostPort,
  ): void {
    const verdict = gate.judge(datagram, header, from);
    if (verdict.type === 'drop') return;
    if (verdict.type === 'retry') return endpoint.answer(verdict.answer, from);
    const { id, originalId, place } = verdict;
    const remote = withoutZone(from);
    const link = endpoint.createLink(from.host.slice(remote.host.length));
    const native = orUndefined(() =>
      quic.Connection.accept(id, originalId, link.local, remote, configs.to(remote.host)),
    );
    if (native === undefined) {
      this.counters['initial-undecryptable'] += 1;
      place.leave();
      return link.release();
    }
    const onOver = this.#twins.accepted(datagram.toString('latin1', header.sourceStart, header.sourceEnd));
    const connection = this.#start(quic, {
      native,
      ceilingBytesTo: configs.ceilingBytesTo,
      role: 'server',
      remote,
      link,
      routes: [connectionIdKey(id), header.destination],
      answerEarly: this.#options.answerEarly,
      isFull: () => listener.waitingCount >= this.#limits.acceptQueueMax,
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
    if (connection.receive(datagram, remote)) return;
    this.counters['initial-undecryptable'] += 1;
    place.leave();
    this.#connections.delete(connection);
    connection.release();
  }

  async #dialHost(
    { quic, configs }: Loaded,
    address: Address,
    { expect, early }: { expect: Did | undefined; early: EarlyQuestion | undefined },
    signal: AbortSignal | undefined,
  ): Promise<Connection> {
    const { link, remote } = await this.#linkTo(address);
    if (this.#closed !== undefined) {
      link.release();
      throw closedMeanwhile();
    }
    const id = smallRandomBytes(connectionIdBytes);
    const native = orUndefined(() =>
      quic.Connection.connect(null, id, link.local, remote, configs.to(remote.host)),
    );
    if (native === undefined) {
      link.release();
      throw new NetError('dial-failed', `${formatAddress(address)} cannot be dialled`);
    }
    const ticket = expect && this.#tickets.take(expect);
    if (ticket !== undefined) native.setSession(ticket.bytes);
    const onOver = this.#twins.dialled(connectionIdKey(id));
    return new Promise((resolve, reject) => {
      const connection = this.#start(quic, {
        native,
        ceilingBytesTo: configs.ceilingBytesTo,
        role: 'client',
        remote,
        link,
        routes: [connectionIdKey(id)],
        expect,
        earlyQuestion: ticket && early,
        onProven: (proven) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(proven);
        },
        onEnded: (reason) => {
          signal?.removeEventListener('abort', onAbort);
          onOver(reason);
          if (expect && ticket && !connection.wasHeard) this.#tickets.giveBack(expect, ticket);
          reject(signal?.aborted === true ? dialAborted(signal) : dialFailure(address, reason, 'UDP'));
        },
      });
      const onAbort = (): void => void connection.close({ text: 'dial aborted' });
      if (signal?.aborted === true) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      connection.begin();
    });
  }

  /** By a listening socket that reaches the host, so that the peer sees the port at which we can be dialled; or else by one for all dials. */
  async #linkTo({ host, port }: Address): Promise<{ link: EndpointLink; remote: HostPort }> {
    const linkBy = (endpoint: QuicEndpoint, reached: string): { link: EndpointLink; remote: HostPort } => {
      const remote = withoutZone({ host: reached, port });
      return { link: endpoint.createLink(reached.slice(remote.host.length)), remote };
    };
    for (const endpoint of this.#endpoints) {
      const reached = endpoint.isListening ? reachFrom(endpoint.local, host) : undefined;
      if (reached !== undefined) return linkBy(endpoint, reached);
    }
    return this.#dialSockets.use(host, (endpoint) => linkBy(endpoint, host));
  }

  #start(quic: NativeQuic, start: ConnectionStart): QuicConnection {
    const { link, onProven, onEnded, isFull } = start;
    const attempt = this.#proven.begin(start.expect, isFull);
    const connection: QuicConnection = new QuicConnection({
      ...start,
      quic,
      limits: this.#limits,
      counters: this.counters,
      scratch: this.#scratch,
      expectation: attempt.expectation,
      onProven: () => {
        attempt.proven();
        onProven(connection);
      },
      onEnded: (reason) => {
        if (attempt.ended(reason)) this.#keepTicket(connection, start.native);
        this.#connections.delete(connection);
        link.onOver();
        onEnded(reason);
      },
      onReleased: () => link.release(),
    });
    link.connection = connection;
    this.#connections.add(connection);
    return connection;
  }

  #keepTicket(connection: QuicConnection, native: NativeConnection): void {
    const ticket = connection.role === 'client' ? native.session() : null;
    if (ticket !== null) this.#tickets.keep(connection.remote, ticket);
  }
}

function closedMeanwhile(): NetError {
  return new NetError('connection-closed', 'this transport was closed meanwhile');
}

/** The value, or `undefined` where making it throws. */
function orUndefined<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
