import type { DatagramLink } from './datagram-link.js';
import type { FrameQueue, OutgoingFrame } from './frame-queue.js';
import type { NativeConnection } from './native.js';
import type { PathMtu } from './path-mtu.js';
import type { PathProbes } from './path-probes.js';
import type { PeerAddress } from './peer-address.js';

/** What one turn may send before others get theirs: of small datagrams 86 KiB, about 1 ms of encrypting and sending. */
const datagramsPerTurnMax = 64;
/** Where less of the room is used, it is copied out, and the room used again. Guess. */
const copiedShare = 0.5;

export interface DatagramOutputOptions {
  readonly native: NativeConnection;
  readonly link: DatagramLink;
  readonly frames: FrameQueue;
  readonly probes: PathProbes;
  readonly mtu: PathMtu;
  readonly peer: PeerAddress;
}

/** Sends what quiche has to say: in datagrams as large as the path carries, to where the peer is. */
export class DatagramOutput {
  readonly #options: DatagramOutputOptions;
  #spare: Buffer | undefined;

  constructor(options: DatagramOutputOptions) {
    this.#options = options;
  }

  /** Returns whether there may be more than a turn's share. Throws what quiche throws. */
  flush(): boolean {
    const { frames, probes } = this.#options;
    for (let count = 0; count < datagramsPerTurnMax; count += 1) {
      if (this.#send(frames.offer())) continue;
      const atRest = probes.offerAtRest();
      if (atRest === undefined) return false;
      probes.afterRest(this.#send(atRest));
    }
    return true;
  }

  /** Makes a datagram, for this frame if there is one. Says whether there was something to send. */
  #send(offered: OutgoingFrame | undefined): boolean {
    const { native, link, frames, mtu, peer } = this.#options;
    const room = this.#room(offered?.roomBytes ?? mtu.bytes);
    const sent = native.send(room);
    if (sent === null) {
      this.#spare = room;
      return false;
    }
    const to = frames.takeSent()?.to ?? peer.current;
    link.send(this.#datagramOf(room, sent[0]), to);
    return true;
  }

  #room(bytes: number): Buffer {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.length === bytes ? spare : Buffer.allocUnsafe(bytes);
  }

  /** Datagrams are sent later than this, so each has memory of its own. */
  #datagramOf(room: Buffer, length: number): Buffer {
    if (length > copiedShare * room.length) return room.subarray(0, length);
    this.#spare = room;
    return Buffer.from(room.subarray(0, length));
  }
}
