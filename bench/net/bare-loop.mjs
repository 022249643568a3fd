/**
 * The native binding of @matrixai/quic and nothing around it that is not needed to move bytes: the floor under our QUIC
 * adapter, which drives the same binding. It judges no certificate, bounds nothing, reads eagerly whether or not
 * somebody wants the bytes, and trusts every peer. Datagram size, stream windows, stream limit and congestion control
 * are those of the adapter, so that what differs is the loop.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import quiche from '@matrixai/quic/native/quiche.js';
import { generateKeyPair } from '@icn/identity';
import { ALPN, certificateOf, defaultQuicLimits } from '@icn/net';
import { LoopStream } from './bare-loop-stream.mjs';
import { host } from './contender.mjs';

/** @typedef {import('./contender.mjs').BenchStream} BenchStream */
/** @typedef {import('@matrixai/quic/native/types.js').Config} Config */
/** @typedef {import('@matrixai/quic/native/types.js').Connection} NativeConnection */
/** @typedef {{ host: string, port: number }} HostPort */
/** @typedef {(stream: BenchStream) => void} Serve */

const idBytes = 20;
/** As in the adapter, connection flow control is as good as off. */
const connectionWindowBytes = 2 ** 50;
const nothing = new Uint8Array(0);

/** @type {import('./contender.mjs').Contender} */
export const bareLoop = {
  provesBothSides: false,

  async listen(serve) {
    const loop = await Loop.bind(serve);
    return loop.local.port;
  },

  async dialler(port) {
    const loop = await Loop.bind(undefined);
    return () => loop.dial({ host, port: Number(port) });
  },
};

function config() {
  const limits = defaultQuicLimits;
  const { certPem, keyPem } = certificateOf(generateKeyPair());
  const utf8 = new TextEncoder();
  const [keys, certs] = [[utf8.encode(keyPem)], [utf8.encode(certPem)]];
  const native = quiche.Config.withBoringSslCtx(true, true, null, keys, certs, 'ed25519');
  native.setApplicationProtos([ALPN]);
  native.setMaxIdleTimeout(limits.idleTimeoutMs);
  native.setMaxRecvUdpPayloadSize(65_527);
  native.setMaxSendUdpPayloadSize(limits.datagramBytesMax);
  native.setInitialMaxData(connectionWindowBytes);
  native.setMaxConnectionWindow(connectionWindowBytes);
  native.setInitialMaxStreamDataBidiLocal(limits.streamWindowBytes);
  native.setInitialMaxStreamDataBidiRemote(limits.streamWindowBytes);
  native.setMaxStreamWindow(limits.streamWindowBytesMax);
  native.setInitialMaxStreamsBidi(limits.peerStreamsMax);
  native.setCcAlgorithmName('bbr');
  return native;
}

/** One socket and its connections, by connection id. */
class Loop {
  /** @type {Map<string, LoopConnection>} */
  routes = new Map();
  /** @readonly */
  scratch = Buffer.allocUnsafe(65_536);

  /**
   * @param {import('node:dgram').Socket} socket
   * @param {Serve | undefined} serve
   */
  constructor(socket, serve) {
    this.socket = socket;
    this.serve = serve;
    this.config = config();
    this.local = { host, port: socket.address().port };
    socket.on('message', (datagram, from) =>
      this.#receive(datagram, { host: from.address, port: from.port }),
    );
  }

  /** @param {Serve | undefined} serve */
  static async bind(serve) {
    const socket = createSocket({
      type: 'udp4',
      recvBufferSize: defaultQuicLimits.receiveBufferBytes,
      // The default looks every datagram's address up, a tick later.
      lookup: (name, _options, found) => found(null, name, 4),
    });
    const listening = once(socket, 'listening');
    socket.bind(0, host);
    await listening;
    return new Loop(socket, serve);
  }

  /** @param {HostPort} remote */
  dial(remote) {
    const id = randomBytes(idBytes);
    const native = quiche.Connection.connect(null, id, this.local, remote, this.config);
    const connection = new LoopConnection(this, native, [keyOf(id)]);
    connection.flush();
    return connection.established;
  }

  /**
   * @param {Buffer} datagram
   * @param {HostPort} from
   */
  #receive(datagram, from) {
    let header;
    try {
      header = quiche.Header.fromSlice(datagram, idBytes);
    } catch {
      return;
    }
    const key = keyOf(header.dcid);
    const connection = this.routes.get(key) ?? this.#accept(header.ty, key, from);
    connection?.receive(datagram, from);
  }

  /**
   * @param {number} type
   * @param {string} key
   * @param {HostPort} from
   */
  #accept(type, key, from) {
    // 0: an Initial packet.
    if (type !== 0 || this.serve === undefined) return undefined;
    const id = randomBytes(idBytes);
    const native = quiche.Connection.accept(id, null, this.local, from, this.config);
    return new LoopConnection(this, native, [keyOf(id), key]);
  }
}

/** A connection: datagrams in, streams on, datagrams out once a turn of the event loop, one timer. */
export class LoopConnection {
  /** @type {Map<number, LoopStream>} */
  #streams = new Map();
  #nextStreamId = 0;
  /** @type {Array<() => void>} */
  #openers = [];
  #isEstablished = false;
  #isScheduled = false;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #timerAtMs = 0;
  #wakeAtMs = 0;
  #isOver = false;
  /** @type {(connection: LoopConnection) => void} */
  #onEstablished = () => {};
  /** @type {(error: Error) => void} */
  #onFailed = () => {};

  /**
   * @param {Loop} loop
   * @param {NativeConnection} native
   * @param {readonly string[]} keys
   */
  constructor(loop, native, keys) {
    this.loop = loop;
    this.native = native;
    this.keys = keys;
    /** @type {Promise<LoopConnection>} */
    this.established = new Promise((resolve, reject) => {
      this.#onEstablished = resolve;
      this.#onFailed = reject;
    });
    this.established.catch(() => {});
    for (const key of keys) loop.routes.set(key, this);
  }

  /**
   * @param {Buffer} datagram
   * @param {HostPort} from
   */
  receive(datagram, from) {
    try {
      this.native.recv(datagram, { from, to: this.loop.local });
    } catch {
      // quiche has closed the connection, or the datagram is of no use.
    }
    this.#proceed();
  }

  async openStream() {
    while (this.native.peerStreamsLeftBidi() === 0)
      await new Promise((resolve) => this.#openers.push(() => resolve(undefined)));
    const id = this.#nextStreamId;
    this.#nextStreamId += 4;
    // Takes the place in the limit now.
    this.native.streamSend(id, nothing, false);
    return this.#add(id);
  }

  async close() {
    if (this.#isOver) return;
    this.native.close(true, 0, nothing);
    this.flush();
  }

  /** @param {number} id */
  forget(id) {
    this.#streams.delete(id);
  }

  schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  flush() {
    if (this.#isOver) return;
    for (;;) {
      // A buffer each: the socket sends it later.
      const datagram = Buffer.allocUnsafe(defaultQuicLimits.datagramBytesMax);
      const sent = this.native.send(datagram);
      if (sent === null) break;
      this.loop.socket.send(datagram.subarray(0, sent[0]), sent[1].to.port, sent[1].to.host);
    }
    if (this.native.isClosed()) return this.#end();
    this.#moveTimer();
  }

  #proceed() {
    if (this.#isOver) return;
    if (!this.#isEstablished && this.native.isEstablished()) {
      this.#isEstablished = true;
      this.#onEstablished(this);
    }
    if (this.#isEstablished) {
      for (const id of this.native.readable()) (this.#streams.get(id) ?? this.#accept(id)).onReadable();
      for (const id of this.native.writable()) this.#streams.get(id)?.onWritable();
      if (this.#openers.length > 0 && this.native.peerStreamsLeftBidi() > 0)
        for (const open of this.#openers.splice(0)) open();
    }
    if (this.native.isClosed()) this.#end();
    else this.schedule();
  }

  /** @param {number} id */
  #accept(id) {
    const stream = this.#add(id);
    this.loop.serve?.(stream);
    return stream;
  }

  /** @param {number} id */
  #add(id) {
    const stream = new LoopStream(this, id);
    this.#streams.set(id, stream);
    return stream;
  }

  /** The timer is set again only when it fires too early or would fire too late. */
  #moveTimer() {
    const timeoutMs = this.native.timeout();
    if (timeoutMs === null) return;
    this.#wakeAtMs = performance.now() + timeoutMs + 1;
    if (this.#timer !== undefined && this.#timerAtMs <= this.#wakeAtMs) return;
    clearTimeout(this.#timer);
    this.#arm();
  }

  #arm() {
    this.#timerAtMs = this.#wakeAtMs;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        if (performance.now() < this.#wakeAtMs) return this.#arm();
        this.native.onTimeout();
        this.#proceed();
        this.flush();
      },
      Math.max(0, this.#wakeAtMs - performance.now()),
    );
  }

  #end() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    for (const key of this.keys) this.loop.routes.delete(key);
    const error = new Error('the connection is closed');
    this.#onFailed(error);
    for (const stream of this.#streams.values()) stream.fail(error);
  }
}

/** @param {Uint8Array} id */
function keyOf(id) {
  return Buffer.from(id).toString('latin1');
}
