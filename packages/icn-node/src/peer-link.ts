import { exchangeBytesMax, FrameWriter, NetError, readFrames, type Connection, type Stream } from '@icn/net';

/** What a stream carries, said by its first byte. Each side sends on streams of its own. */
const LANES = { control: 0, bulk: 1, exchange: 2 } as const;
export type Lane = keyof typeof LANES;

const LANE_BY_BYTE: ReadonlyMap<number, Lane> = new Map(
  Object.entries(LANES).map(([lane, byte]) => [byte, lane as Lane]),
);

/**
 * Bytes that may wait for a slow peer. Above it frames are dropped: anti-entropy repairs what that loses of gossip; of the
 * exchange of peers, an answer and a request wait at most.
 */
const QUEUE_BYTES_MAX: Readonly<Record<Lane, number>> = {
  control: 4 << 20,
  bulk: 4 << 20,
  exchange: 2 * exchangeBytesMax,
};

/** The rules of lanes and frames that a peer can break. */
export const LINK_RULES = ['frame-too-large', 'frame-truncated', 'lane-unknown', 'lane-duplicate'] as const;
export type LinkRule = (typeof LINK_RULES)[number];

export interface PeerLinkOptions {
  readonly connection: Connection;
  /** The longest frame of gossip. */
  readonly frameBytesMax: number;
  /** A frame has come: for how many milliseconds it waits, unread what comes after it. */
  readonly waitMs: (lane: Lane) => number;
  /** No further frame of the stream is read before what this returns resolves. */
  readonly onFrame: (frame: Uint8Array, lane: Lane) => void | Promise<void>;
  /** A frame was written, or read. */
  readonly onCarried: (direction: 'sent' | 'received', byteCount: number, lane: Lane) => void;
  /** A frame was not sent because the peer is too slow for it. */
  readonly onDropped: (lane: Lane) => void;
  readonly onBroken: (rule: LinkRule) => void;
}

/**
 * Carries frames over one connection: gossip on two streams each way, so that a big sync never delays an announcement, and
 * the exchange of peers on a third, which a peer may refuse. Sending never blocks and never throws; what does not fit the
 * queue is dropped and counted.
 */
export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #writers: Readonly<Record<Lane, Promise<FrameWriter | undefined>>>;
  readonly #queued: Record<Lane, number> = { control: 0, bulk: 0, exchange: 0 };
  readonly #receiving = new Set<Lane>();
  /** How to end each pause before its time. */
  readonly #pauses = new Set<() => void>();

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    this.#writers = {
      control: this.#open('control'),
      bulk: this.#open('bulk'),
      exchange: this.#open('exchange'),
    };
    void this.#receive();
    void options.connection.closed.then(() => {
      for (const end of this.#pauses) end();
    });
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
      this.#options.onCarried('sent', frame.length, lane);
    } catch {
      this.#lost(lane, 'a stream of this node was reset');
    } finally {
      this.#queued[lane] -= frame.length;
    }
  }

  /** Undefined where the connection closes first. */
  async #open(lane: Lane): Promise<FrameWriter | undefined> {
    try {
      const stream = await this.connection.openStream({ priority: lane === 'control' ? 'control' : 'bulk' });
      await stream.write(Uint8Array.of(LANES[lane]));
      return new FrameWriter(stream);
    } catch {
      this.#lost(lane, 'a stream could not be opened');
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
      if (first === undefined) return stream.reset();
      const lane = LANE_BY_BYTE.get(first[0] ?? -1);
      if (lane === undefined) {
        this.#options.onBroken('lane-unknown');
        return stream.reset();
      }
      // A frame may grow to its limit on each stream, so their number is what bounds the memory of a link.
      if (this.#receiving.has(lane)) {
        this.#options.onBroken('lane-duplicate');
        return this.#fail('a second stream of one lane');
      }
      this.#receiving.add(lane);
      const frameBytesMax = lane === 'exchange' ? exchangeBytesMax : this.#options.frameBytesMax;
      for await (const frame of readFrames(prepend(first.subarray(1), stream), { frameBytesMax })) {
        this.#options.onCarried('received', frame.length, lane);
        const waitMs = this.#options.waitMs(lane);
        if (waitMs > 0) await this.#pause(waitMs);
        await this.#options.onFrame(frame, lane);
      }
    } catch (error) {
      const rule = LINK_RULES.find((name) => error instanceof NetError && error.code === name);
      if (rule !== undefined) this.#options.onBroken(rule);
      this.#fail((error as Error).message);
    }
  }

  /** Waits, but for nobody who is gone. */
  async #pause(waitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, waitMs);
      this.#pauses.add(end);
    });
  }

  /** A stream of this node is gone. Who knows no exchange of peers resets it, and is a peer all the same. */
  #lost(lane: Lane, text: string): void {
    if (lane !== 'exchange') this.#fail(text);
  }

  /** A link without one of its streams of gossip is no link: closing it lets both sides begin anew. */
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
