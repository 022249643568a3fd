import type { ConnectionRoutes } from './datagram-link.js';
import type { NativeConnection } from './native.js';
import { connectionIdBytes, connectionIdKey } from './packet-header.js';
import { smallRandomBytes } from './random-pool.js';

/**
 * The connection ids under which one connection can be reached. The peer gets as many as it will keep: each change of
 * its address uses one up (RFC 9000 §9.5), and a retired one is replaced.
 */
export class ConnectionIds {
  readonly #native: NativeConnection;
  readonly #routes: ConnectionRoutes;
  readonly #keys = new Set<string>();

  constructor(native: NativeConnection, routes: ConnectionRoutes, first: readonly string[]) {
    this.#native = native;
    this.#routes = routes;
    for (const key of first) this.#add(key);
  }

  /** Gives the peer the ids it has room for; to be called once the handshake is over. */
  issue(): void {
    while (this.#native.sourceCidsLeft() > 0) {
      const id = smallRandomBytes(connectionIdBytes);
      const resetToken = BigInt(`0x${smallRandomBytes(16).toString('hex')}`);
      this.#native.newSourceCid(id, resetToken, false);
      this.#add(connectionIdKey(id));
    }
  }

  /** Takes the ids back that the peer is done with, and gives it new ones. */
  replaceRetired(): void {
    let retired = this.#native.retiredScidNext();
    if (retired === null) return;
    for (; retired !== null; retired = this.#native.retiredScidNext()) this.remove(connectionIdKey(retired));
    this.issue();
  }

  remove(key: string): void {
    this.#keys.delete(key);
    this.#routes.remove(key);
  }

  clear(): void {
    for (const key of this.#keys) this.#routes.remove(key);
    this.#keys.clear();
  }

  #add(key: string): void {
    this.#keys.add(key);
    this.#routes.add(key);
  }
}
