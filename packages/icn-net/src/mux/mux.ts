import { AsyncQueue } from '../async-queue.js';
import type { NetError } from '../errors.js';
import { Openings, openAborted } from '../openings.js';
import type { Stream, StreamOptions } from '../transport.js';
import { encodeU32, frameTypes, type Hello, type MuxFrameType } from './frame.js';
import type { FrameOutput } from './frame-output.js';
import type { MuxLimits } from './limits.js';
import type { GrowthBudget } from './receive-window.js';
import { MuxStream, type MuxStreamOptions, type StreamOwner } from './mux-stream.js';

/** The least significant bit of a stream's number says who opened it, as in QUIC (RFC 9000 §2.1). */
const serverBit = 1;
const numberStep = 2;

/** Room that is not worth a frame; more, and a peer that sends little would be stopped for want of it. Guess. */
const connectionCreditShare = 1 / 8;
const smallestFrameBytes = 256;

type Priority = NonNullable<StreamOptions['priority']>;

export interface MuxOptions {
  readonly role: 'client' | 'server';
  readonly limits: MuxLimits;
  /** What the peer said it allows. */
  readonly peer: Hello;
  readonly output: FrameOutput;
  /** Between both sides, once it is known. */
  readonly roundTripMs: () => number | undefined;
  /** Frames wait in the output, or will: it is to be filled and flushed at the end of this turn of the event loop. */
  readonly schedule: () => void;
}

/**
 * Many streams over one connection: their numbers, windows and places, and who may send next.
 *
 * Invariants:
 * 1. What the peer may make this side hold is bounded by what this side allowed: unread bytes by the windows, streams by
 *    the places. A place is given back when its stream is forgotten.
 * 2. What this side has to say is kept as what is due, not as frames: a peer that does not read, and asks, makes nothing grow.
 * 3. Bulk streams leave a part of the peer's connection window to control streams, so that a reader who stops on bulk
 *    streams does not stop control.
 */
export class Mux implements StreamOwner {
  /** Streams of the peer that nobody has taken yet; the places bound it. */
  readonly incoming = new AsyncQueue<Stream>();
  readonly #options: MuxOptions;
  readonly #streams = new Map<number, MuxStream>();
  readonly #unnumbered = new Set<MuxStream>();
  readonly #openings = new Openings<Priority>();
  readonly #signsDue = new Set<MuxStream>();
  readonly #bytesDue = { control: new Set<MuxStream>(), bulk: new Set<MuxStream>() };
  readonly #ownBit: number;
  #nextOwn: number;
  #nextPeer: number;
  #ownPlaces: number;
  #peerPlaces: number;
  #placesDue = 0;
  #roomBytes: number;
  readonly #controlReserveBytes: number;
  #peerRoomBytes: number;
  #creditBytes = 0;
  readonly #growth: GrowthBudget;
  #failure: NetError | undefined;

  constructor(options: MuxOptions) {
    const { role, limits, peer } = options;
    this.#options = options;
    this.#ownBit = role === 'server' ? serverBit : 0;
    this.#nextOwn = this.#ownBit;
    this.#nextPeer = this.#ownBit ^ serverBit;
    this.#ownPlaces = peer.placeCount;
    this.#peerPlaces = limits.peerStreamsMax;
    this.#roomBytes = peer.connectionWindowBytes;
    this.#controlReserveBytes = Math.min(peer.streamWindowBytes, Math.floor(peer.connectionWindowBytes / 4));
    this.#peerRoomBytes = limits.connectionWindowBytes;
    // The other half is for streams that have not grown, whoever stops reading the others.
    this.#growth = { leftBytes: limits.connectionWindowBytes / 2 };
  }

  /** Streams that are not over, opened by either side. */
  get size(): number {
    return this.#streams.size + this.#unnumbered.size;
  }

  async open({ signal, priority = 'bulk' }: StreamOptions = {}): Promise<Stream> {
    if (this.#failure !== undefined) throw this.#failure;
    if (signal?.aborted === true) throw openAborted(signal);
    if (this.#openings.size === 0 && this.#ownPlaces > 0) return this.#create(priority);
    return this.#openings.wait(priority, signal);
  }

  onData(id: number, bytes: Uint8Array): string | undefined {
    if (bytes.length > this.#peerRoomBytes) return 'more than the window of the connection';
    const stream = this.#streams.get(id) ?? this.#arrive(id);
    if (typeof stream === 'string') return stream;
    this.#peerRoomBytes -= bytes.length;
    return stream.onData(bytes);
  }

  /** A frame of a stream, or of the connection's room and places. */
  onFrame(type: MuxFrameType, id: number, payload: Buffer): string | undefined {
    switch (type) {
      case frameTypes.end: {
        const stream = this.#streams.get(id) ?? this.#arrive(id);
        return typeof stream === 'string' ? stream : stream.onEnd();
      }
      case frameTypes.reset: {
        const stream = this.#streams.get(id);
        if (stream === undefined) return this.#ofPast(id);
        // One that nobody has taken is of no use to anybody, and has no place any more.
        this.incoming.remove(stream);
        return stream.onReset();
      }
      case frameTypes.streamRoom: {
        const stream = this.#streams.get(id);
        return stream === undefined ? this.#ofPast(id) : stream.onRoom(payload.readUInt32BE());
      }
      case frameTypes.connectionRoom:
        return this.#onConnectionRoom(payload.readUInt32BE());
      case frameTypes.places:
        return this.#onPlaces(payload.readUInt32BE());
    }
  }

  /** The connection is gone. */
  fail(error: NetError): void {
    this.#failure = error;
    for (const stream of [...this.#streams.values(), ...this.#unnumbered]) stream.fail(error);
    this.#openings.fail(error);
    for (const table of [this.#streams, this.#unnumbered, this.#signsDue]) table.clear();
    for (const due of Object.values(this.#bytesDue)) due.clear();
    this.incoming.end();
  }

  /** Fills the output with what is due: signs first, then control streams, then bulk streams, each in turn. */
  fill(): void {
    const { output } = this.#options;
    while (output.roomBytes >= smallestFrameBytes && this.#fillOne(output));
  }

  onDue(stream: MuxStream): void {
    if (this.#failure !== undefined) return;
    this.#enqueue(stream);
    // Filling at once lets a write go on without a turn of the event loop, as long as there is room.
    this.fill();
    this.#options.schedule();
  }

  onConsumed(byteCount: number): void {
    this.#creditBytes += byteCount;
    if (this.#isRoomDue()) this.#options.schedule();
  }

  number(stream: MuxStream): number {
    const id = this.#nextOwn;
    this.#nextOwn += numberStep;
    this.#unnumbered.delete(stream);
    this.#streams.set(id, stream);
    return id;
  }

  forget(stream: MuxStream): void {
    this.#signsDue.delete(stream);
    this.#bytesDue[stream.priority].delete(stream);
    stream.releaseWindow();
    if (stream.id === undefined) {
      if (this.#unnumbered.delete(stream)) this.#freeOwnPlaces(1);
      return;
    }
    if (!this.#streams.delete(stream.id) || (stream.id & serverBit) === this.#ownBit) return;
    this.#placesDue += 1;
    this.#options.schedule();
  }

  #create(priority: Priority): MuxStream {
    this.#ownPlaces -= 1;
    const stream = new MuxStream({ owner: this, priority, ...this.#windows() });
    this.#unnumbered.add(stream);
    return stream;
  }

  /** A stream whose number is not in the table: the next of the peer, or the rule that is broken. */
  #arrive(id: number): MuxStream | string {
    if (id !== this.#nextPeer) return `a frame for stream ${id}, which is not open`;
    if (this.#peerPlaces === 0) return 'more streams than there are places';
    this.#peerPlaces -= 1;
    this.#nextPeer += numberStep;
    const stream = new MuxStream({ owner: this, priority: 'bulk', id, ...this.#windows() });
    this.#streams.set(id, stream);
    this.incoming.push(stream);
    return stream;
  }

  #windows(): Pick<MuxStreamOptions, 'window' | 'roomBytes'> {
    const { limits, peer, roundTripMs } = this.#options;
    const { streamWindowBytes: bytes, streamWindowBytesMax: bytesMax } = limits;
    return {
      window: { bytes, bytesMax, budget: this.#growth, roundTripMs },
      roomBytes: peer.streamWindowBytes,
    };
  }

  /** A stream that is over here may still get room, or be given up after its end, by a peer that has not heard so. */
  #ofPast(id: number): string | undefined {
    const next = (id & serverBit) === this.#ownBit ? this.#nextOwn : this.#nextPeer;
    return id < next ? undefined : `a frame for stream ${id}, which is not open`;
  }

  #onConnectionRoom(byteCount: number): string | undefined {
    this.#roomBytes += byteCount;
    if (byteCount === 0 || this.#roomBytes > 2 ** 32 - 1) return 'room of the connection out of bounds';
    this.#options.schedule();
    return undefined;
  }

  #onPlaces(count: number): string | undefined {
    if (count === 0 || this.#ownPlaces + count > 2 ** 32 - 1) return 'places out of bounds';
    this.#freeOwnPlaces(count);
    return undefined;
  }

  #freeOwnPlaces(count: number): void {
    this.#ownPlaces += count;
    while (this.#openings.size > 0 && this.#ownPlaces > 0) {
      this.#openings.serve((priority) => this.#create(priority));
    }
  }

  #enqueue(stream: MuxStream): void {
    const { due } = stream;
    if (due === 'signs') this.#signsDue.add(stream);
    else if (due === 'bytes') this.#bytesDue[stream.priority].add(stream);
  }

  /** Appends one frame, or those of one stream; says whether there was any. */
  #fillOne(output: FrameOutput): boolean {
    if (this.#isRoomDue()) {
      output.append(frameTypes.connectionRoom, 0, encodeU32(this.#creditBytes));
      this.#peerRoomBytes += this.#creditBytes;
      this.#creditBytes = 0;
      return true;
    }
    if (this.#placesDue > 0) {
      output.append(frameTypes.places, 0, encodeU32(this.#placesDue));
      this.#peerPlaces += this.#placesDue;
      this.#placesDue = 0;
      return true;
    }
    const [stream] = this.#signsDue;
    if (stream !== undefined) {
      this.#signsDue.delete(stream);
      stream.sendSigns(output);
      this.#enqueue(stream);
      return true;
    }
    return (
      this.#fillFrom(this.#bytesDue.control, output, this.#roomBytes) ||
      this.#fillFrom(this.#bytesDue.bulk, output, this.#roomBytes - this.#controlReserveBytes)
    );
  }

  #fillFrom(streams: Set<MuxStream>, output: FrameOutput, bytesMax: number): boolean {
    const [stream] = streams;
    if (stream === undefined || bytesMax <= 0) return false;
    streams.delete(stream);
    this.#roomBytes -= stream.sendBytes(output, Math.min(bytesMax, output.roomBytes));
    // At the end of its queue, so that streams of one priority take turns.
    this.#enqueue(stream);
    return true;
  }

  #isRoomDue(): boolean {
    return this.#creditBytes >= this.#options.limits.connectionWindowBytes * connectionCreditShare;
  }
}
