import {
  createQuicTransport,
  createTlsTransport,
  formatAddress,
  NetError,
  type Address,
  type Listener,
  type QuicTransportOptions,
  type Transport,
} from '@icn/net';
import { NodeError } from './errors.js';

/** A peer that was killed, and so says nothing, is missed within this time; three signs of life may get lost (guess). */
const IDLE_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 4_000;

/** What a transport is told of its node. */
export type TransportOptions = Pick<QuicTransportOptions, 'keyPair' | 'admit' | 'onTwin' | 'answerEarly'>;

/**
 * Where a node listens that is not told otherwise: on QUIC, and for those that no UDP reaches, or that have no native QUIC,
 * on TLS too.
 */
const DEFAULT_LISTEN: Address = { scheme: 'quic', host: '0.0.0.0', port: 0 };
const FALLBACK_LISTEN: Address = { scheme: 'tls', host: '0.0.0.0', port: 0 };

/** A listener, and where to tell others that it is. */
export interface Listening {
  readonly listener: Listener;
  /** With the host that it was told, where that stands for all that this machine has, now and later. */
  readonly announced: readonly Address[];
}

const ANY_HOSTS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** QUIC, and TLS over TCP for what QUIC does not reach. */
export function createDefaultTransports(options: TransportOptions): readonly Transport[] {
  const limits = { keepAliveMs: KEEP_ALIVE_MS, idleTimeoutMs: IDLE_TIMEOUT_MS };
  return [createQuicTransport({ ...options, limits }), createTlsTransport({ ...options, limits })];
}

/** The transports of one node, of which addresses choose by their scheme. */
export class Transports {
  readonly all: readonly Transport[];
  readonly #onWarning: (message: string) => void;
  #isSilenceSaid = false;

  constructor(all: readonly Transport[], onWarning: (message: string) => void) {
    this.all = all;
    this.#onWarning = onWarning;
  }

  get counters(): readonly Readonly<Record<string, number>>[] {
    return this.all.map(({ counters }) => counters);
  }

  /**
   * Listens on all these addresses; where they are undefined, on QUIC and TLS, if possible at one port, and where QUIC cannot
   * be loaded on TLS alone, which it says.
   * Throws NodeError `options-invalid` for a scheme that no transport has, and NetError.
   */
  async listen(addresses: readonly Address[] | undefined): Promise<readonly Listening[]> {
    if (addresses === undefined) return this.#listenByDefault();
    const listening: Listening[] = [];
    for (const address of addresses) listening.push(await this.#listen(address));
    return listening;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((transport) => transport.close()));
  }

  /**
   * A peer answered by another transport, and not by the preferred one. Says so, once, unless that one serves for others:
   * then it is not the network of this node that lets no UDP through.
   */
  silent(silent: Address, answering: Address, isServing: boolean): void {
    if (this.#isSilenceSaid || isServing) return;
    this.#isSilenceSaid = true;
    const [asked, taken] = [silent, answering].map(({ scheme, host, port }) =>
      formatAddress({ scheme, host, port }),
    );
    this.#onWarning(
      `no answer from ${asked}, but one from ${taken}: UDP seems to be blocked on the way, so TLS over TCP serves instead. Let UDP through, for links that are quicker and survive a change of address.`,
    );
  }

  async #listenByDefault(): Promise<readonly Listening[]> {
    try {
      const first = await this.#listen(DEFAULT_LISTEN);
      return this.#has(FALLBACK_LISTEN) ? [first, await this.#listenBeside(first)] : [first];
    } catch (error) {
      const isMissing = error instanceof NetError && error.code === 'platform-unsupported';
      if (!isMissing || !this.#has(FALLBACK_LISTEN)) throw error;
      this.#onWarning(
        `${error.message} This node listens on tls:// instead, and cannot dial quic:// addresses.`,
      );
      return [await this.#listen(FALLBACK_LISTEN)];
    }
  }

  /** At the port of the other listener if it is free, because one number is easier to let through a firewall. */
  async #listenBeside({ listener }: Listening): Promise<Listening> {
    try {
      return await this.#listen({ ...FALLBACK_LISTEN, port: listener.addresses[0]?.port ?? 0 });
    } catch {
      return this.#listen(FALLBACK_LISTEN);
    }
  }

  async #listen(address: Address): Promise<Listening> {
    const transport = this.all.find(({ scheme }) => scheme === address.scheme);
    if (transport !== undefined) {
      const listener = await transport.listen(address);
      return { listener, announced: announcedAddresses(address, listener) };
    }
    const schemes = this.all.map(({ scheme }) => `${scheme}://`).join(' and ');
    const message = `cannot listen on ${formatAddress(address)}: this node listens on ${schemes}`;
    throw new NodeError('options-invalid', message);
  }

  #has({ scheme }: Address): boolean {
    return this.all.some((transport) => transport.scheme === scheme);
  }
}

function announcedAddresses({ scheme, host }: Address, { addresses }: Listener): readonly Address[] {
  const [first] = addresses;
  return ANY_HOSTS.has(host) && first !== undefined ? [{ scheme, host, port: first.port }] : addresses;
}
