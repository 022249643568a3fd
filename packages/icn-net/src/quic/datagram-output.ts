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
/** What is as good as full: a frame is not begun for the last few bytes. Guess. */
const fullShare = 0.95;
/** The rooms that were not used up, by their size; of all connections, since each is used within one call. */
const spareRooms = new Map<number, Buffer>();

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
      spareRooms.set(room.length, room);
      return false;
    }
    if (offered === undefined && sent[0] > fullShare * room.length) mtu.filled();
    const to = frames.takeSent()?.to ?? peer.current;
    link.send(this.#datagramOf(room, sent[0]), to);
    return true;
  }

  #room(bytes: number): Buffer {
    const spare = spareRooms.get(bytes);
    if (spare === undefined) return Buffer.allocUnsafe(bytes);
    spareRooms.delete(bytes);
    return spare;
  }

  /** Datagrams are sent later than this, so each has memory of its own. */
  #datagramOf(room: Buffer, length: number): Buffer {
    if (length > copiedShare * room.length) return room.subarray(0, length);
    spareRooms.set(room.length, room);
    return Buffer.from(room.subarray(0, length));
  }
}
