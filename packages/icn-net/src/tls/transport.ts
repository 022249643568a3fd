import { performance } from 'node:perf_hooks';
import { type SecureContextOptions, type TLSSocket } from 'node:tls';
import type { Did, KeyPair } from '@icn/identity';
import type { Address } from '../address.js';
import { HandshakeAdmission } from '../admission.js';
import { handshakeDisplaced } from '../close-reason.js';
import { dialAborted, dialFailure, raceDials, unlessAborted } from '../dial-race.js';
import { NetError } from '../errors.js';
import { resolveHost, unmapped } from '../host-addresses.js';
import type { CloseCode, CloseReason } from '../protocol.js';
import { ProvenListener } from '../proven-listener.js';
import { refusalOf } from '../refusals.js';
import type { Connection, DialOptions, ListenOptions, Listener, Transport } from '../transport.js';
import { TwinWatch } from '../twin-watch.js';
import { TlsAcceptor, type InboundHandshake } from './acceptor.js';
import { TlsConnection, type TlsConnectionOptions } from './connection.js';
import { createTlsCounters, type TlsCounters } from './counters.js';
import { createDialName, dialNameOf, handshake, secureContextOptions } from './handshake.js';
import { defaultTlsLimits, type TlsLimits } from './limits.js';

export interface TlsTransportOptions {
  /** Who we are: the key of the TLS certificate. */
  readonly keyPair: KeyPair;
  readonly limits?: Partial<TlsLimits>;
  /** Asked about each peer once it is proven, before anybody gets it: a close code refuses it. */
  readonly admit?: (did: Did) => CloseCode | undefined;
  /** Another process that holds our key was met: proven, and not this transport through an address of its own. */
  readonly onTwin?: () => void;
}

/**
 * Transport over TLS 1.3 (RFC 8446) and TCP, with mutual proof by the identity keys, ALPN `icn-mux/1`: for machines without
 * the native QUIC binary, and networks that let no UDP through.
 */
export function createTlsTransport(options: TlsTransportOptions): Transport {
  return new TlsTransport(options);
}

type ConnectionStart = Pick<
  TlsConnectionOptions,
  'socket' | 'role' | 'remote' | 'handshakeDeadlineMs' | 'onEnded'
> & {
  readonly expect?: Did | undefined;
  readonly isFull?: () => boolean;
  readonly onProven: (connection: TlsConnection) => void;
};

class TlsTransport implements Transport {
  readonly scheme = 'tls';
  readonly counters: TlsCounters = createTlsCounters();
  readonly #options: TlsTransportOptions;
  readonly #limits: TlsLimits;
  readonly #context: SecureContextOptions;
  readonly #admission: HandshakeAdmission;
  readonly #listeners = new Set<ProvenListener>();
  readonly #connections = new Set<TlsConnection>();
  /** Ends dials that are under way when the transport closes. */
  readonly #stopDials = new AbortController();
  readonly #twins: TwinWatch;
  #provenCount = 0;
  #closed: Promise<void> | undefined;

  constructor(options: TlsTransportOptions) {
    this.#options = options;
    this.#limits = { ...defaultTlsLimits, ...options.limits };
    this.#context = secureContextOptions(options.keyPair);
    this.#admission = new HandshakeAdmission(this.#limits);
    this.#twins = new TwinWatch(() => options.onTwin?.());
  }

  async listen({ host, port }: ListenOptions): Promise<Listener> {
    this.#throwIfClosed();
    const [address = host] = await resolveHost(host, 'address-unavailable');
    const acceptor = await TlsAcceptor.listen(
      { host: address, port },
      {
        context: this.#context,
        admission: this.#admission,
        handshakeTimeoutMs: this.#limits.handshakeTimeoutMs,
        counters: this.counters,
        onSecure: (socket, inbound) => this.#accept(listener, socket, inbound),
      },
    );
    const listener = new ProvenListener({
      scheme: this.scheme,
      did: this.#options.keyPair.did,
      local: acceptor.local,
      onClose: () => {
        this.#listeners.delete(listener);
        return acceptor.close();
      },
    });
    this.#listeners.add(listener);
    if (this.#closed === undefined) return listener;
    await listener.close();
    throw closedMeanwhile();
  }

  async dial(address: Address, options: DialOptions = {}): Promise<Connection> {
    const { signal, expect = address.did } = options;
    this.#throwIfClosed();
    if (signal?.aborted === true) throw dialAborted(signal);
    if (address.scheme !== this.scheme || address.port === 0) {
      throw new NetError(
        'address-invalid',
        `tls dials tls://HOST:PORT with a port of its own, not ${address.scheme}, port ${address.port}`,
      );
    }
    if (expect === this.#options.keyPair.did) {
      const reason = { code: 'own-did', by: 'us', text: 'the address names this node' } as const;
      throw dialFailure(address, reason, 'TCP');
    }
    const hosts = await unlessAborted(resolveHost(address.host, 'dial-failed'), signal);
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

  #accept(
    listener: ProvenListener,
    socket: TLSSocket,
    { remote, deadlineMs, place }: InboundHandshake,
  ): void {
    const onOver = this.#twins.accepted(dialNameOf(socket));
    const connection = this.#start({
      socket,
      role: 'server',
      remote: { host: unmapped(remote.host), port: remote.port },
      handshakeDeadlineMs: deadlineMs,
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
    connection.start();
  }

  #dialHost(address: Address, expect: Did | undefined, attempt: AbortSignal): Promise<Connection> {
    const { host, port } = address;
    const signal = AbortSignal.any([attempt, this.#stopDials.signal]);
    const deadlineMs = performance.now() + this.#limits.handshakeTimeoutMs;
    const dialName = createDialName();
    const onOver = this.#twins.dialled(dialName);
    return new Promise((resolve, reject) => {
      const fail = (reason: CloseReason): void => {
        if (this.#stopDials.signal.aborted) reject(closedMeanwhile());
        else reject(attempt.aborted ? dialAborted(attempt) : dialFailure(address, reason, 'TCP'));
      };
      const onSecure = (socket: TLSSocket): void => {
        const connection = this.#start({
          socket,
          role: 'client',
          remote: { host, port },
          handshakeDeadlineMs: deadlineMs,
          expect,
          onProven: (proven) => {
            signal.removeEventListener('abort', onAbort);
            resolve(proven);
          },
          onEnded: (reason) => {
            signal.removeEventListener('abort', onAbort);
            // Where this process dialled itself, its other end has learned of it when it hangs up.
            void connection.released.then(() => onOver(reason));
            fail(reason);
          },
        });
        const onAbort = (): void => void connection.close({ text: 'dial aborted' });
        signal.addEventListener('abort', onAbort, { once: true });
        connection.start();
      };
      const remote = { host, port };
      handshake({ remote, context: this.#context, dialName, deadlineMs, signal }, (outcome) => {
        if (!('code' in outcome)) return onSecure(outcome);
        if (!signal.aborted) this.counters[refusalOf(outcome)] += 1;
        onOver(outcome);
        fail(outcome);
      });
    });
  }

  #start({ onProven, onEnded, expect, isFull, ...start }: ConnectionStart): TlsConnection {
    let isProven = false;
    const connection: TlsConnection = new TlsConnection({
      ...start,
      limits: this.#limits,
      counters: this.counters,
      expectation: {
        own: this.#options.keyPair.did,
        expect,
        admit: (did) => this.#admit(did, isFull),
      },
      onProven: () => {
        isProven = true;
        this.#provenCount += 1;
        onProven(connection);
      },
      onEnded: (reason) => {
        if (isProven) this.#provenCount -= 1;
        else this.counters[refusalOf(reason)] += 1;
        onEnded(reason);
      },
    });
    this.#connections.add(connection);
    void connection.released.then(() => this.#connections.delete(connection));
    return connection;
  }

  #admit(did: Did, isFull: (() => boolean) | undefined): CloseCode | undefined {
    if (this.#provenCount >= this.#limits.connectionsMax || isFull?.() === true) return 'too-many';
    return this.#options.admit?.(did);
  }

  #throwIfClosed(): void {
    if (this.#closed !== undefined) throw new NetError('connection-closed', 'this transport is closed');
  }
}

function closedMeanwhile(): NetError {
  return new NetError('connection-closed', 'this transport was closed meanwhile');
}
