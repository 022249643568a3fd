import { performance } from 'node:perf_hooks';
import type { DatagramLink } from './datagram-link.js';
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
    const { native, link, probes, mtu, peer } = this.#options;
    for (let count = 0; count < datagramsPerTurnMax; count += 1) {
      const probe = probes.offer();
      const room = this.#room(probe?.bytes ?? mtu.bytes);
      const sent = native.send(room);
      if (sent === null) {
        this.#spare = room;
        return false;
      }
      const asked = probes.takeSent(performance.now());
      link.send(this.#datagramOf(room, sent[0]), asked?.to ?? peer.current);
    }
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
