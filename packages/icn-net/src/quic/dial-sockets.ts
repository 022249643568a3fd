import type { QuicEndpoint } from './endpoint.js';

/** The socket of each family by which is dialled where no listening one reaches: one for all dials, those at once too. */
export class DialSockets {
  readonly #bind: (host: string) => Promise<QuicEndpoint>;
  readonly #byHost = new Map<string, Promise<QuicEndpoint>>();

  constructor(bind: (host: string) => Promise<QuicEndpoint>) {
    this.#bind = bind;
  }

  /** What `use` makes of the socket for a literal address, before anything else happens to it. Throws what binding throws. */
  async use<T>(address: string, use: (endpoint: QuicEndpoint) => T): Promise<T> {
    const any = address.includes(':') ? '::' : '0.0.0.0';
    for (;;) {
      const binding = this.#byHost.get(any) ?? this.#bind(any);
      this.#byHost.set(any, binding);
      const endpoint = await binding.catch((error: unknown) => {
        this.#byHost.delete(any);
        throw error;
      });
      if (!endpoint.isClosing) return use(endpoint);
      // It had no connection left. Who comes first binds another.
      if (this.#byHost.get(any) === binding) this.#byHost.delete(any);
    }
  }
}
