import type { Did } from '@icn/identity';
import type { Address } from './address.js';
import type { CloseReason } from './protocol.js';

/**
 * Moves bytes between proven peers. Every adapter (QUIC, memory, yours) keeps the same rules, which
 * `@icn/net/conformance` states as named cases; nothing above this port can tell adapters apart.
 */
export interface Transport {
  /** The scheme of the addresses that this transport listens on and dials, for example `quic`. */
  readonly scheme: string;
  /** What was dropped or refused since the start, by name. Names are listed in the adapter's docs. */
  readonly counters: Readonly<Record<string, number>>;
  /** Starts to accept connections. Port 0 takes a free port. Throws `NetError` (`address-in-use`, `address-invalid`, …). */
  listen(options: ListenOptions): Promise<Listener>;
  /**
   * Opens a connection and returns it once **both** sides have proven who they are and accepted each
   * other. Throws `NetError`: `peer-mismatch` where another DID than `expect` answers, `dial-failed`,
   * `dial-timeout`, `aborted`.
   */
  dial(address: Address, options?: DialOptions): Promise<Connection>;
  /** Closes listeners and connections and releases sockets. Total, idempotent. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
}

/**
 * A question that a dial may ask before the connection is open, where the peer is known from an earlier one and the transport
 * has early data: then the answer comes a round trip sooner. Else it is never asked. Whoever recorded it can ask it again, so it
 * is answered by what changes nothing.
 */
export interface EarlyQuestion {
  /** Called where it can be asked. At most `earlyBytesMax`; nothing longer is asked. */
  readonly ask: () => Uint8Array | undefined;
  /** Called at most once, before the dial resolves or soon after. */
  readonly onAnswer: (answer: Uint8Array) => void;
}

/** What fits into the first datagrams of a connection, as question and as answer. */
export const earlyBytesMax = 1_000;

export interface DialOptions {
  /** The only DID that may answer. Falls back to the `did` of the address; without either, any proven DID may. */
  readonly expect?: Did;
  readonly signal?: AbortSignal;
  /** Only with the DID of the peer, by `expect` or the address. */
  readonly early?: EarlyQuestion | undefined;
}

/** Yields inbound connections, each proven, until it is closed. At most one consumer iterates it. */
export interface Listener extends AsyncIterable<Connection> {
  /** Where it can be dialled, with the real port; one entry per usable address of the host. */
  readonly addresses: readonly Address[];
  /** Stops accepting; connections already handed over live on. */
  close(): Promise<void>;
}

/** One authenticated, encrypted, multiplexed link to one peer. */
export interface Connection {
  /** Proven: the peer showed possession of this DID's key before the connection was handed over. */
  readonly remote: Did;
  readonly remoteAddress: Address;
  readonly direction: 'inbound' | 'outbound';
  /**
   * Opens a bidirectional stream; waits while the peer's stream limit is reached. The peer hears of it with the first
   * byte, `end` or `reset`. Throws `NetError` `connection-closed` or `aborted`.
   */
  openStream(options?: StreamOptions): Promise<Stream>;
  /** Streams that the peer opens, in the order they arrive; ends when the connection closes. At most one consumer. */
  streams(): AsyncIterable<Stream>;
  /** Resolves once, never rejects: who closed, with which code and text. */
  readonly closed: Promise<CloseReason>;
  /** What it cost so far, where the adapter counts that; after the end, what it was about then. Never throws. */
  stats?(): ConnectionStats;
  /** Tells the peer why and releases everything. Data not yet acknowledged may be lost. Idempotent. */
  close(reason?: Partial<CloseReason>): Promise<void>;
}

export interface ConnectionStats {
  /** What both sides' streams carried at least; most adapters count what the transport adds too. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** From this side and back, as it was measured last, in milliseconds. */
  readonly roundTripMs?: number | undefined;
  /** Packets of this side that were taken for lost, and what they carried sent again. */
  readonly packetsLost?: number | undefined;
}

export interface StreamOptions {
  readonly signal?: AbortSignal;
  /** Where both have something to send, `control` goes first. Default `bulk`. */
  readonly priority?: 'control' | 'bulk';
}

/**
 * An ordered, reliable byte stream with backpressure in both directions and independent halves. It keeps its place in
 * the stream limit until both halves are over: read to the end and `end`, or `reset`.
 */
export interface Stream {
  /** The next bytes, owned by the caller; `undefined` after the peer's `end()`. One read at a time. Throws `NetError` `stream-reset` or `connection-closed`. */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Takes all of `bytes` in order and resolves when the transport has room for more. The bytes may be
   * reused after that. One write at a time. Throws `NetError` `stream-reset` or `connection-closed`.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Half-closes: the peer reads to the end of what was written, then `undefined`. Reading goes on. */
  end(): Promise<void>;
  /** Gives both halves up at once; the peer's reads and writes throw `stream-reset`. Idempotent. */
  reset(): void;
}
