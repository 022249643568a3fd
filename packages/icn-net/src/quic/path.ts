import { performance } from 'node:perf_hooks';
import type { DatagramLink } from './datagram-link.js';
import { parseDatagramFrame, type DatagramFrame } from './datagram-frames.js';
import { DatagramOutput } from './datagram-output.js';
import type { FrameQueue } from './frame-queue.js';
import type { HostPort, NativeConnection } from './native.js';
import { PathMtu } from './path-mtu.js';
import { PathProbes } from './path-probes.js';
import { PeerAddress } from './peer-address.js';

/** Timeouts of quiche in a row, with nothing heard between them, after which large datagrams may be what is lost. Guess. */
const timeoutsInSilenceMax = 2;

export interface PathOptions {
  readonly native: NativeConnection;
  readonly link: DatagramLink;
  readonly frames: FrameQueue;
  /** Where the peer is at first. */
  readonly remote: HostPort;
  /** The UDP payload that passes everywhere. */
  readonly floorBytes: number;
  /** The largest UDP payload that a path to the host may carry. */
  readonly ceilingBytesTo: (host: string) => number;
  /** A DATAGRAM frame that is not about the path. */
  readonly onFrame: (frame: DatagramFrame) => void;
}

/** The way to the peer, in both directions: what it carries, and where it leads when the peer moves. */
export class Path {
  readonly #native: NativeConnection;
  readonly #probes: PathProbes;
  readonly #mtu: PathMtu;
  readonly #peer: PeerAddress;
  readonly #output: DatagramOutput;
  /** To quiche the peer never moves: `PeerAddress` says why. */
  readonly #receiveInfo: { from: HostPort; to: HostPort };
  readonly #onFrame: (frame: DatagramFrame) => void;
  #isOpen = false;
  #timeoutsInSilence = 0;

  constructor({ native, link, frames, remote, floorBytes, ceilingBytesTo, onFrame }: PathOptions) {
    this.#native = native;
    this.#onFrame = onFrame;
    this.#receiveInfo = { from: remote, to: link.local };
    const probes = new PathProbes(frames);
    const mtu = new PathMtu(probes, { floorBytes, ceilingBytes: ceilingBytesTo(remote.host) });
    const peer = new PeerAddress(remote, probes, (host) => mtu.changed(ceilingBytesTo(host)));
    this.#output = new DatagramOutput({ native, link, frames, probes, mtu, peer });
    this.#probes = probes;
    this.#mtu = mtu;
    this.#peer = peer;
  }

  /** Where the peer is. */
  get remote(): HostPort {
    return this.#peer.current;
  }

  get wakeAtMs(): number {
    return Math.min(this.#probes.wakeAtMs, this.#mtu.wakeAtMs, this.#peer.wakeAtMs);
  }

  /** Gives quiche a datagram, which it decrypts in place. Throws what quiche throws. */
  receive(datagram: Buffer, from: HostPort): void {
    this.#timeoutsInSilence = 0;
    this.#mtu.heard();
    if (!this.#isOpen || this.#peer.is(from)) {
      this.#native.recv(datagram, this.#receiveInfo);
      return;
    }
    const byteCount = datagram.length;
    const countBefore = this.#native.stats().recv;
    this.#native.recv(datagram, this.#receiveInfo);
    // quiche counts what only the peer can have made, and that once.
    if (this.#native.stats().recv > countBefore) this.#peer.heardFrom(from, byteCount, performance.now());
  }

  /** Takes the DATAGRAM frames that came. Only of a peer that is proven. */
  readFrames(): void {
    for (let bytes = this.#native.dgramRecvVec(); bytes !== null; bytes = this.#native.dgramRecvVec()) {
      const frame = parseDatagramFrame(bytes);
      if (frame === undefined) continue;
      if (frame.kind === 'probe' || frame.kind === 'answer') this.#probes.received(frame);
      else this.#onFrame(frame);
    }
  }

  /** Goes on with what is asked about the path; once the connection is open, each turn. */
  turn(nowMs: number): void {
    this.#isOpen = true;
    this.readFrames();
    this.#probes.turn(nowMs);
    this.#peer.turn(nowMs);
    this.#mtu.turn(nowMs);
  }

  /** Sends what there is. Returns whether there may be more than a turn's share. Throws what quiche throws. */
  flush(): boolean {
    return this.#output.flush();
  }

  /** A deadline of quiche is over. */
  onTimeout(): void {
    this.#timeoutsInSilence += 1;
    if (this.#timeoutsInSilence === timeoutsInSilenceMax) this.#mtu.fellSilent();
  }
}
