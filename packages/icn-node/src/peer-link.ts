import { FrameWriter, NetError, readFrames, type Connection, type Stream } from '@icn/net';

/** What a stream carries, said by its first byte. Each side sends on streams of its own. */
const LANES = { control: 0, bulk: 1 } as const;
type Lane = keyof typeof LANES;

/** Bytes that may wait for a slow peer; above it frames are dropped, and anti-entropy repairs what that loses. */
const QUEUE_BYTES_MAX: Readonly<Record<Lane, number>> = { control: 4 << 20, bulk: 4 << 20 };

/** The rules of lanes and frames that a peer can break. */
export const LINK_RULES = ['frame-too-large', 'frame-truncated', 'lane-unknown', 'lane-duplicate'] as const;
export type LinkRule = (typeof LINK_RULES)[number];

export interface PeerLinkOptions {
  readonly connection: Connection;
  readonly frameBytesMax: number;
  /** No further frame of the stream is read before what this returns resolves. */
  readonly onFrame: (frame: Uint8Array) => void | Promise<void>;
  /** A frame was written, or read. */
  readonly onCarried: (direction: 'sent' | 'received', byteCount: number) => void;
  /** A frame was not sent because the peer is too slow for it. */
  readonly onDropped: (lane: Lane) => void;
  readonly onBroken: (rule: LinkRule) => void;
}

/**
 * Carries gossip frames over one connection: two streams each way, so that a big sync never delays an
 * announcement. Sending never blocks and never throws; what does not fit the queue is dropped and counted.
 */
export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #writers: Readonly<Record<Lane, Promise<FrameWriter | undefined>>>;
  readonly #queued: Record<Lane, number> = { control: 0, bulk: 0 };
  readonly #receiving = new Set<number>();

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    this.#writers = { control: this.#open('control'), bulk: this.#open('bulk') };
    void this.#receive();
  }

  get connection(): Connection {
    return this.#options.connection;
  }

  send(frame: Uint8Array, lane: Lane): void {
    if (this.#queued[lane] + frame.length > QUEUE_BYTES_MAX[lane]) return this.#options.onDropped(lane);
    this.#queued[lane] += frame.length;
    void this.#write(frame, lane);
  }

  async #write(frame: Uint8Array, lane: Lane): Promise<void> {
    try {
      const writer = await this.#writers[lane];
      if (writer === undefined) return;
      await writer.write(frame);
      this.#options.onCarried('sent', frame.length);
    } catch {
      this.#fail('a stream of this node was reset');
    } finally {
      this.#queued[lane] -= frame.length;
    }
  }

  /** Undefined where the connection closes first. */
  async #open(lane: Lane): Promise<FrameWriter | undefined> {
    try {
      const stream = await this.connection.openStream({ priority: lane });
      await stream.write(Uint8Array.of(LANES[lane]));
      return new FrameWriter(stream);
    } catch {
      this.#fail('a stream could not be opened');
      return undefined;
    }
  }

  async #receive(): Promise<void> {
    for await (const stream of this.connection.streams()) void this.#read(stream);
  }

  async #read(stream: Stream): Promise<void> {
    try {
      await stream.end();
      const first = await stream.read();
      const lane = first?.[0];
      if (first === undefined) return stream.reset();
      if (lane !== LANES.control && lane !== LANES.bulk) {
        this.#options.onBroken('lane-unknown');
        return stream.reset();
      }
      // A frame may grow to its limit on each stream, so their number is what bounds the memory of a link.
      if (this.#receiving.has(lane)) {
        this.#options.onBroken('lane-duplicate');
        return this.#fail('a second stream of one lane');
      }
      this.#receiving.add(lane);
      const frames = readFrames(prepend(first.subarray(1), stream), {
        frameBytesMax: this.#options.frameBytesMax,
      });
      for await (const frame of frames) {
        this.#options.onCarried('received', frame.length);
        await this.#options.onFrame(frame);
      }
    } catch (error) {
      const rule = LINK_RULES.find((name) => error instanceof NetError && error.code === name);
      if (rule !== undefined) this.#options.onBroken(rule);
      this.#fail((error as Error).message);
    }
  }

  /** A link without one of its streams is no link: closing it lets both sides begin anew. */
  #fail(text: string): void {
    void this.connection.close({ code: 'protocol-error', text });
  }
}

/** The stream with bytes put back in front. */
function prepend(bytes: Uint8Array, stream: Stream): Pick<Stream, 'read'> {
  let isFirst = bytes.length > 0;
  return {
    read: () => {
      if (!isFirst) return stream.read();
      isFirst = false;
      return Promise.resolve(bytes);
    },
  };
}
