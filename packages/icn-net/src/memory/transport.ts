import type { Did, KeyPair } from '@icn/identity';
import type { Address } from '../address.js';
import { describeReason } from '../close-reason.js';
import { NetError } from '../errors.js';
import type { CloseCode, CloseReason } from '../protocol.js';
import type { Connection, DialOptions, ListenOptions, Listener, Transport } from '../transport.js';
import { MemoryConnection } from './connection.js';
import { MemoryListener } from './listener.js';
import type { MemoryNetwork } from './network.js';

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

class MemoryTransport implements Transport {
  readonly scheme = 'memory';
  readonly counters: Record<string, number> = {};
  readonly #did: Did;
  readonly #network: MemoryNetwork;
  readonly #admit: (did: Did) => CloseCode | undefined;
  readonly #onTwin: () => void;
  readonly #listeners = new Set<Listener>();
  readonly #connections = new Set<MemoryConnection>();
  #isClosed = false;

  constructor(options: MemoryTransportOptions) {
    this.#did = options.keyPair.did;
    this.#network = options.network;
    this.#admit = options.admit ?? (() => undefined);
    this.#onTwin = options.onTwin ?? (() => undefined);
  }

  async listen({ host, port }: ListenOptions): Promise<Listener> {
    this.#throwIfClosed();
    const listener = this.#network.add(host, port, (taken) => {
      const created: MemoryListener = new MemoryListener({
        address: { scheme: this.scheme, host, port: taken, did: this.#did },
        did: this.#did,
        admit: (did) => this.#admit(did),
        onTwin: () => this.#onTwin(),
        onConnection: (connection) => this.#track(connection),
        onClosed: () => {
          this.#network.remove(host, taken);
          this.#listeners.delete(created);
        },
      });
      return created;
    });
    this.#listeners.add(listener);
    return listener;
  }

  async dial(address: Address, options: DialOptions = {}): Promise<Connection> {
    this.#throwIfClosed();
    const { signal, expect = address.did } = options;
    if (address.scheme !== this.scheme)
      throw new NetError('address-invalid', `memory does not dial ${address.scheme}`);
    await this.#roundTrip(signal);
    this.#throwIfClosed();
    const listener = this.#network.find(address.host, address.port);
    if (listener === undefined || this.#network.isCut(this.#did, listener.did)) {
      throw new NetError('dial-timeout', `nobody answers at ${address.host}:${address.port}`);
    }
    this.#judge(listener, expect);
    return this.#connect(listener, address);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
    await Promise.all(
      [...this.#connections].map((connection) => connection.close({ text: 'the node stops' })),
    );
  }

  #roundTrip(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void =>
        reject(new NetError('aborted', 'dial was aborted', { cause: signal?.reason }));
      if (signal?.aborted === true) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#network.deliver(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
    });
  }

  /** Both sides say what they think of the other. */
  #judge(listener: MemoryListener, expect: Did | undefined): void {
    if (listener.did === this.#did) {
      if (!this.#listeners.has(listener)) {
        this.#onTwin();
        listener.onTwin();
      }
      throw this.#refused({ code: 'own-did', by: 'us', text: 'both sides have the same DID' });
    }
    if (expect !== undefined && listener.did !== expect) {
      const reason: CloseReason = { code: 'peer-mismatch', by: 'us', text: `expected ${expect}` };
      throw new NetError('peer-mismatch', `refused the peer: ${reason.text}`, { reason });
    }
    const own = this.#admit(listener.did);
    if (own !== undefined) throw this.#refused({ code: own, by: 'us', text: '' });
    const theirs = listener.admit(this.#did);
    if (theirs !== undefined) throw this.#refused({ code: theirs, by: 'peer', text: '' });
  }

  #refused(reason: CloseReason): NetError {
    const name = reason.by === 'us' ? `refused-${reason.code}` : `refused-by-peer-${reason.code}`;
    this.counters[name] = (this.counters[name] ?? 0) + 1;
    return new NetError('dial-failed', `cannot connect: ${describeReason(reason)}`, { reason });
  }

  #connect(listener: MemoryListener, address: Address): Connection {
    const network = this.#network;
    const here = new MemoryConnection({
      network,
      local: this.#did,
      remote: listener.did,
      remoteAddress: { ...address, did: listener.did },
      direction: 'outbound',
    });
    const there = new MemoryConnection({
      network,
      local: listener.did,
      remote: this.#did,
      remoteAddress: { scheme: this.scheme, host: address.host, port: dialPort, did: this.#did },
      direction: 'inbound',
    });
    MemoryConnection.connectEnds(here, there);
    this.#track(here);
    listener.offer(there);
    return here;
  }

  #track(connection: MemoryConnection): void {
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw new NetError('connection-closed', 'this transport is closed');
  }
}
