import type { Did, KeyPair } from '@icn/identity';
import { formatAddress, type Address } from '../address.js';
import { describeReason } from '../close-reason.js';
import { dialAborted } from '../dial-race.js';
import { NetError } from '../errors.js';
import type { CloseCode, CloseReason } from '../protocol.js';
import { ProvenListener } from '../proven-listener.js';
import { createRefusalCounters, refusalOf, type RefusalCounters } from '../refusals.js';
import type { Connection, DialOptions, ListenOptions, Listener, Transport } from '../transport.js';
import { MemoryConnection } from './connection.js';
import { mediumOf, type MemoryMedium, type MemoryNetwork } from './network.js';
import { Patience } from './patience.js';
import type { MemoryPort } from './ports.js';
import type { MemoryWire } from './wire.js';

export interface MemoryTransportOptions {
  readonly keyPair: KeyPair;
  readonly network: MemoryNetwork;
  /** Asked about each peer before anybody gets it: a close code refuses it. */
  readonly admit?: (did: Did) => CloseCode | undefined;
  /** Another transport of the same key was met. */
  readonly onTwin?: () => void;
}

/** Transport inside one process. Who holds a key pair proves its DID by having it: there is no wire to lie on. */
export function createMemoryTransport(options: MemoryTransportOptions): Transport {
  return new MemoryTransport(options);
}

/** The peer of an outbound connection sees no port of ours, as behind a NAT. */
const dialPort = 0;

/** Connections that wait for the listener's consumer. 64: as over QUIC. */
const acceptQueueMax = 64;

interface Dial {
  readonly address: Address;
  readonly expect: Did | undefined;
  readonly listening: MemoryPort;
  readonly wire: MemoryWire;
  readonly patience: Patience;
}

class MemoryTransport implements Transport {
  readonly scheme = 'memory';
  readonly counters: RefusalCounters = createRefusalCounters();
  readonly #options: MemoryTransportOptions;
  readonly #did: Did;
  readonly #medium: MemoryMedium;
  readonly #ports = new Set<MemoryPort>();
  readonly #listeners = new Set<Listener>();
  readonly #connections = new Set<MemoryConnection>();
  readonly #dials = new Set<Patience>();
  #isClosed = false;

  constructor(options: MemoryTransportOptions) {
    this.#options = options;
    this.#did = options.keyPair.did;
    this.#medium = mediumOf(options.network);
  }

  async listen({ host, port }: ListenOptions): Promise<Listener> {
    this.#throwIfClosed();
    const listening: MemoryPort = {
      did: this.#did,
      judge: (peer) => (listener.waitingCount >= acceptQueueMax ? 'too-many' : this.#options.admit?.(peer)),
      onRefused: (reason) => this.#count(reason),
      onTwin: () => this.#options.onTwin?.(),
      onConnection: (connection) => {
        this.#track(connection);
        listener.offer(connection);
      },
    };
    const { ports } = this.#medium;
    const local = { host, port: ports.add(host, port, listening) };
    const onClose = async (): Promise<void> => {
      this.#listeners.delete(listener);
      if (this.#ports.delete(listening)) ports.remove(local.host, local.port);
    };
    const listener = new ProvenListener({ scheme: this.scheme, did: this.#did, local, onClose });
    this.#ports.add(listening);
    this.#listeners.add(listener);
    return listener;
  }

  async dial(address: Address, { signal, expect = address.did }: DialOptions = {}): Promise<Connection> {
    this.#throwIfClosed();
    if (signal?.aborted === true) throw dialAborted(signal);
    if (address.scheme !== this.scheme)
      throw new NetError('address-invalid', `memory does not dial ${address.scheme}`);
    const { clock, ports, handshakeTimeoutMs: limitMs } = this.#medium;
    const patience = new Patience({ clock, limitMs, late: nobodyAt(address), signal });
    this.#dials.add(patience);
    try {
      const listening = ports.find(address.host, address.port);
      const wire = listening && this.#medium.lay(this.#did, listening.did);
      if (listening !== undefined && wire !== undefined)
        return await this.#shakeHands({ address, expect, listening, wire, patience });
      await patience.wait(new Promise<void>((resolve) => clock.after(0, resolve)));
      throw nobodyAt(address);
    } finally {
      this.#dials.delete(patience);
      patience.release();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const patience of this.#dials) patience.end(transportClosed());
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
    await Promise.all(
      [...this.#connections].map((connection) => connection.close({ text: 'the node stops' })),
    );
  }

  /** Two round trips, as over QUIC: who is there, and whether each accepts the other. */
  async #shakeHands(dial: Dial): Promise<Connection> {
    const { address, listening, wire, patience } = dial;
    const onBroken = (reason: CloseReason): void => patience.end(dialFailed(address, reason));
    wire.near.onBroken = onBroken;
    let near: MemoryConnection | undefined;
    try {
      await patience.wait(wire.near.crossed());
      if (this.#medium.ports.find(address.host, address.port) !== listening) throw nobodyAt(address);
      await patience.wait(wire.far.crossed());
      this.#judge(dial);
      await patience.wait(wire.near.crossed());
      const code = listening.judge(this.#did);
      if (code === undefined) near = this.#connect(dial);
      else listening.onRefused({ code, by: 'us', text: '' });
      void near?.closed.then(onBroken);
      await patience.wait(wire.far.crossed());
      if (near !== undefined) return near;
      throw this.#refused(address, { code: code ?? 'done', by: 'peer', text: '' });
    } catch (error) {
      if (near === undefined) wire.release();
      else void near.close({ text: 'dial aborted' });
      throw error;
    }
  }

  /** What this side thinks of who answered. Throws what `dial` does where it refuses. */
  #judge({ address, expect, listening }: Dial): void {
    const reason = this.#opinionOf(listening, expect);
    if (reason === undefined) return;
    listening.onRefused({ ...reason, by: 'peer' });
    throw this.#refused(address, reason);
  }

  #opinionOf(listening: MemoryPort, expect: Did | undefined): CloseReason | undefined {
    const { did } = listening;
    if (did === this.#did) {
      if (!this.#ports.has(listening)) {
        this.#options.onTwin?.();
        listening.onTwin();
      }
      return { code: 'own-did', by: 'us', text: 'both sides have the same DID' };
    }
    if (expect !== undefined && did !== expect)
      return { code: 'peer-mismatch', by: 'us', text: `expected ${expect}` };
    const code = this.#options.admit?.(did);
    return code && { code, by: 'us', text: '' };
  }

  #refused(address: Address, reason: CloseReason): NetError {
    this.#count(reason);
    return dialFailed(address, reason);
  }

  #count(reason: CloseReason): void {
    this.counters[refusalOf(reason)] += 1;
  }

  #connect({ address, listening, wire }: Dial): MemoryConnection {
    const medium = this.#medium;
    const near = new MemoryConnection({
      medium,
      wire: wire.near,
      remoteAddress: { ...address, did: listening.did },
      direction: 'outbound',
    });
    const far = new MemoryConnection({
      medium,
      wire: wire.far,
      remoteAddress: { scheme: this.scheme, host: address.host, port: dialPort, did: this.#did },
      direction: 'inbound',
    });
    MemoryConnection.join(near, far);
    this.#track(near);
    listening.onConnection(far);
    return near;
  }

  #track(connection: MemoryConnection): void {
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw transportClosed();
  }
}

function transportClosed(): NetError {
  return new NetError('connection-closed', 'this transport is closed');
}

function nobodyAt(address: Address): NetError {
  return new NetError('dial-timeout', `nobody answers at ${formatAddress(address)}`);
}

function dialFailed(address: Address, reason: CloseReason): NetError {
  const target = formatAddress(address);
  if (reason.code === 'peer-mismatch' && reason.by === 'us')
    return new NetError('peer-mismatch', `refused the peer at ${target}: ${reason.text}`, { reason });
  if (reason.code === 'timeout')
    return new NetError('dial-timeout', `nobody answers at ${target}`, { reason });
  return new NetError('dial-failed', `cannot connect to ${target}: ${describeReason(reason)}`, { reason });
}
