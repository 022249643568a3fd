import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** What a path does to datagrams, in both directions alike. */
export interface PathConditions {
  /** Of all datagrams, the share that is lost. */
  readonly lossShare: number;
  /** Of all datagrams, the share that comes twice. */
  readonly duplicateShare: number;
  /** One way. */
  readonly delayMs: number;
  /** Up to so much later: with it, datagrams overtake each other. */
  readonly jitterMs: number;
  /** Larger payloads are lost. */
  readonly datagramBytesMax: number;
}

const perfect: PathConditions = {
  lossShare: 0,
  duplicateShare: 0,
  delayMs: 0,
  jitterMs: 0,
  datagramBytesMax: Infinity,
};

/**
 * A path to a UDP port of this machine, through a NAT, for tests of what a transport over UDP does on rough ones: what comes
 * in goes out from a port of its own, which `rebind` changes. Draws are seeded; when the kernel hands datagrams over is not.
 */
export class UdpProxy {
  port = 0;
  /** Nothing passes while it is set. */
  drops = false;
  conditions: PathConditions;
  /** Datagrams that passed, and that were lost on purpose, both ways together. */
  readonly counts = { passed: 0, lost: 0, duplicated: 0 };
  /** The largest payload that passed. */
  largestBytes = 0;
  /** Sees each datagram for the target as it arrives. */
  onArrival: ((datagram: Buffer) => void) | undefined;
  readonly targetPort: number;
  readonly #inside = createSocket('udp4');
  readonly #timers = new Set<NodeJS.Timeout>();
  #outside: Socket | undefined;
  #clientPort = 0;
  #random: number;

  private constructor(targetPort: number, conditions: Partial<PathConditions>, seed: number) {
    this.targetPort = targetPort;
    this.conditions = { ...perfect, ...conditions };
    this.#random = seed;
  }

  static async to(targetPort: number, conditions: Partial<PathConditions> = {}, seed = 1): Promise<UdpProxy> {
    const proxy = new UdpProxy(targetPort, conditions, seed);
    proxy.#inside.on('message', (datagram, from) => {
      proxy.#clientPort = from.port;
      proxy.onArrival?.(datagram);
      proxy.#pass(datagram, () => proxy.#outside?.send(datagram, targetPort, '127.0.0.1'));
    });
    proxy.port = await bound(proxy.#inside);
    await proxy.rebind();
    return proxy;
  }

  /** The other end sees another port from now on, and another host if one is named; what is under way to the old one is lost. */
  async rebind(host = '127.0.0.1'): Promise<void> {
    const outside = createSocket('udp4');
    await bound(outside, host);
    outside.on('message', (datagram) => {
      this.#pass(datagram, () => this.#inside.send(datagram, this.#clientPort, '127.0.0.1'));
    });
    this.#outside?.close();
    this.#outside = outside;
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#inside.close();
    this.#outside?.close();
    this.#outside = undefined;
    this.drops = true;
  }

  #pass(datagram: Buffer, send: () => void): void {
    const { lossShare, duplicateShare, datagramBytesMax } = this.conditions;
    if (this.drops || datagram.length > datagramBytesMax || this.#draw() < lossShare) {
      this.counts.lost += 1;
      return;
    }
    this.counts.passed += 1;
    this.largestBytes = Math.max(this.largestBytes, datagram.length);
    this.#later(send);
    if (this.#draw() >= duplicateShare) return;
    this.counts.duplicated += 1;
    this.#later(send);
  }

  #later(send: () => void): void {
    const { delayMs, jitterMs } = this.conditions;
    if (delayMs + jitterMs === 0) return send();
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        if (!this.drops) send();
      },
      delayMs + this.#draw() * jitterMs,
    );
    this.#timers.add(timer);
  }

  /** Uniform in [0, 1): mulberry32. */
  #draw(): number {
    this.#random = (this.#random + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

async function bound(socket: Socket, host = '127.0.0.1'): Promise<number> {
  socket.bind(0, host);
  await once(socket, 'listening');
  socket.setRecvBufferSize(1 << 20);
  return socket.address().port;
}
