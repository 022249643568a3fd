import type { EventEmitter } from 'node:events';
import bonjourService, { type Browser, type Service } from 'bonjour-service';
import { messageOf, systemCodeOf } from '../errors.js';
import type { TxtRecord } from './service-record.js';

export interface ServiceType {
  readonly name: string;
  readonly protocol: 'udp' | 'tcp';
}

export interface MdnsSocketOptions {
  /** The IPv4 address of the interface. */
  readonly host: string;
  readonly browse: readonly ServiceType[];
  /** Services that a browser may hold; whoever announces more than that is not listened to until the next query. */
  readonly servicesMax: number;
  readonly onUp: (service: Service) => void;
  readonly onDown: (service: Service) => void;
  readonly onOverflow: () => void;
  readonly onFailure: (text: string) => void;
}

/** How long a goodbye may take to leave. */
const goodbyeMs = 500;

/** The part of bonjour-service that its types keep to themselves. */
interface BonjourInside {
  readonly server: { readonly mdns: EventEmitter };
}

/** mDNS on one interface: one bonjour-service instance, with its sharp edges covered. */
export class MdnsSocket {
  readonly #options: MdnsSocketOptions;
  readonly #bonjour: bonjourService;
  #browsers: Browser[] = [];

  constructor(options: MdnsSocketOptions) {
    this.#options = options;
    const fail = (error: unknown): void => {
      options.onFailure(`${options.host}: ${systemCodeOf(error) ?? messageOf(error)}`);
    };
    // Bound to any address: a socket bound to an interface's own address gets no multicast.
    const config = { interface: options.host, bind: '0.0.0.0' };
    this.#bonjour = new bonjourService(config as ConstructorParameters<typeof bonjourService>[0], fail);
    const { mdns } = (this.#bonjour as unknown as BonjourInside).server;
    mdns.on('error', fail);
    mdns.on('warning', fail);
    guardListeners(mdns, fail);
    this.query();
  }

  /** Announces a service; the name must be unique, because nothing here asks whether it is. */
  publish(type: ServiceType, name: string, port: number, txt: TxtRecord): void {
    // Probing would meet our own sockets on the other interfaces, and then publish nothing.
    this.#bonjour.publish({
      name,
      type: type.name,
      protocol: type.protocol,
      port,
      host: `${name}.local`,
      txt: { ...txt },
      probe: false,
    });
  }

  /** Asks who is there, again. */
  query(): void {
    if (this.#browsers.length > 0) {
      for (const browser of this.#browsers) {
        browser.expire();
        browser.update();
      }
      return;
    }
    const { browse, onDown } = this.#options;
    this.#browsers = browse.map(({ name, protocol }) => {
      const browser = this.#bonjour.find({ type: name, protocol }, (service) => this.#onUp(browser, service));
      browser.on('down', onDown);
      browser.on('txt-update', (service: Service) => this.#options.onUp(service));
      browser.on('srv-update', (service: Service) => this.#options.onUp(service));
      return browser;
    });
  }

  /** Says goodbye and closes the socket. */
  async close(): Promise<void> {
    this.#stopBrowsing();
    await settledWithin(goodbyeMs, (done) => this.#bonjour.unpublishAll(done));
    await settledWithin(goodbyeMs, (done) => this.#bonjour.destroy(done));
  }

  #onUp(browser: Browser, service: Service): void {
    this.#options.onUp(service);
    if (browser.services.length <= this.#options.servicesMax) return;
    // The list of a browser is unbounded and cannot be emptied; the next query starts with a new one.
    this.#stopBrowsing();
    this.#options.onOverflow();
  }

  #stopBrowsing(): void {
    for (const browser of this.#browsers.splice(0)) browser.stop();
  }
}

/** What listeners throw at a hostile packet ends in `onError`, not in the process. */
function guardListeners(emitter: EventEmitter, onError: (error: unknown) => void): void {
  const emit = emitter.emit.bind(emitter);
  emitter.emit = (event: string | symbol, ...values: unknown[]) => {
    try {
      return emit(event, ...values);
    } catch (error) {
      onError(error);
      return true;
    }
  };
}

function settledWithin(limitMs: number, start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs);
    start(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
