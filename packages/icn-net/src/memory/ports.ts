import type { Did } from '@icn/identity';
import { NetError } from '../errors.js';
import type { CloseCode, CloseReason } from '../protocol.js';
import type { MemoryConnection } from './connection.js';

/** Ports that `listen` with port 0 takes, as in a real stack. */
const firstFreePort = 49_152;
const portMax = 65_535;

/** Whom a dial finds at a port. */
export interface MemoryPort {
  readonly did: Did;
  /** The last word about a peer that dialled: a close code refuses it. */
  judge(peer: Did): CloseCode | undefined;
  /** A peer that dialled was refused, by either side. */
  onRefused(reason: CloseReason): void;
  /** Another transport of the same key dialled. */
  onTwin(): void;
  /** Both sides have accepted each other. */
  onConnection(connection: MemoryConnection): void;
}

/** Who listens where. */
export class MemoryPorts {
  readonly #ports = new Map<string, MemoryPort>();
  #nextPort = firstFreePort;

  find(host: string, port: number): MemoryPort | undefined {
    return this.#ports.get(`${host}:${port}`);
  }

  /** Takes the port, or a free one for 0, and says which. Throws NetError `address-in-use`. */
  add(host: string, port: number, listening: MemoryPort): number {
    if (port !== 0 && this.find(host, port) !== undefined) {
      const text = `memory port ${port} of ${host} is in use: take another, or 0 for any free one`;
      throw new NetError('address-in-use', text);
    }
    const taken = port === 0 ? this.#freePort(host) : port;
    this.#ports.set(`${host}:${taken}`, listening);
    return taken;
  }

  remove(host: string, port: number): void {
    this.#ports.delete(`${host}:${port}`);
  }

  #freePort(host: string): number {
    for (let tried = firstFreePort; tried <= portMax; tried += 1) {
      const port = this.#nextPort;
      this.#nextPort = port === portMax ? firstFreePort : port + 1;
      if (this.find(host, port) === undefined) return port;
    }
    throw new NetError('address-unavailable', `every port of ${host} is taken`);
  }
}
