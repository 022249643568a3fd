import type { RemoteInfo } from 'node:dgram';
import bonjourService, { type Browser, type Service } from 'bonjour-service';
import { AnswerPace } from './answer-pace.js';
import { costOf, decodeMessage, encodeMessage, messageBytesMax, type DnsMessage } from './dns-message.js';
import { siftQuery, siftResponse } from './heard-rules.js';
import type { Interface } from './links.js';
import { groups, mdnsPort, MulticastSocket, type Family } from './multicast-socket.js';
import { hostNameOf, hostsOn, type OwnService } from './own-service.js';
import { ownTtlS, shapeQuery, shapeResponse } from './said-rules.js';
import { serviceTypes, type ServiceType } from './service-type.js';

/** Why a packet has no effect. */
export type PacketDrop =
  | 'off-link'
  | 'packet-too-long'
  | 'packet-rate'
  | 'packet-malformed'
  | 'response-port'
  | 'query-legacy'
  | 'send-failed';

export interface MdnsLinkOptions {
  readonly link: Interface;
  readonly family: Family;
  readonly count: (drop: PacketDrop) => void;
  /** Which interface an address is reached by, now. */
  readonly linkOf: (host: string) => string | undefined;
  /** Whether a packet of a source is to be read that costs so much. */
  readonly takePacket: (source: string, cost: number) => boolean;
  /** Whether an instance that a source names is to be heard of. */
  readonly admit: (source: string, instance: string) => boolean;
  readonly onService: (type: ServiceType, service: Service) => void;
  readonly onGoodbye: (source: string, instance: string) => void;
  readonly onFailure: (why: string) => void;
  /** 0 to 1, evenly. */
  readonly random: () => number;
  /** On the clock of `performance.now()`. */
  readonly nowMs: () => number;
}

/** How long a goodbye may take to leave. */
const goodbyeMs = 500;

/**
 * mDNS on one interface by one family of addresses: one bonjour-service instance, which announces, answers, asks and says
 * goodbye. It does so through a socket of ours, because of itself it reads whatever comes, remembers whoever it hears of,
 * answers as often as it is asked, and believes everybody for as long as they say.
 */
export class MdnsLink {
  readonly interface: Interface;
  readonly family: Family;
  readonly #options: MdnsLinkOptions;
  readonly #bonjour: bonjourService;
  readonly #pace: AnswerPace;
  #browsers: Browser[] = [];
  #own: readonly OwnService[] = [];

  constructor(options: MdnsLinkOptions) {
    this.#options = options;
    this.interface = options.link;
    this.family = options.family;
    this.#pace = new AnswerPace(options.random);
    const socket = new MulticastSocket({
      ...options,
      onReceived: (bytes, from) => this.#received(bytes, from),
      onSending: (bytes) => this.#sending(bytes),
      onSendFailed: () => options.count('send-failed'),
    });
    // Passed on to multicast-dns, which then neither binds the socket nor joins groups.
    const config = { socket, bind: false, multicast: false, port: mdnsPort, ip: groups[options.family] };
    this.#bonjour = new bonjourService(config, () => undefined);
  }

  /** Announces a service where it can be reached by this interface. */
  publish(service: OwnService): void {
    if (hostsOn(service, this.interface).length === 0) return;
    this.#own = [...this.#own, service];
    const { name, type, port, txt } = service;
    const protocol = type === '_icn._udp.local' ? 'udp' : 'tcp';
    // Nobody is asked whether the name is free: it is random, and the library would meet our own on other interfaces.
    const probe = false;
    this.#bonjour.publish({
      name,
      type: 'icn',
      protocol,
      port,
      host: hostNameOf(service),
      txt: { ...txt },
      probe,
    });
  }

  /**
   * Asks who is there. A browser remembers every name that it has heard for as long as it lives, so each question gets new
   * ones.
   */
  ask(): void {
    for (const browser of this.#browsers) browser.stop();
    this.#browsers = serviceTypes.map((type) => {
      const protocol = type === '_icn._udp.local' ? 'udp' : 'tcp';
      return this.#bonjour.find({ type: 'icn', protocol }, (service) =>
        this.#options.onService(type, service),
      );
    });
  }

  /** Closes the socket, after a goodbye if it is one. */
  async close({ goodbye }: { readonly goodbye: boolean }): Promise<void> {
    for (const browser of this.#browsers.splice(0)) browser.stop();
    if (goodbye) await settledWithin(goodbyeMs, (done) => this.#bonjour.unpublishAll(done));
    await settledWithin(goodbyeMs, (done) => this.#bonjour.destroy(done));
  }

  #received(bytes: Buffer, { address, port }: RemoteInfo): Buffer | undefined {
    const { linkOf, takePacket, count } = this.#options;
    const link = linkOf(address);
    if (link === undefined) return dropped(count, 'off-link');
    // A system hands each socket what any of them joined for; the others take what is theirs.
    if (link !== this.interface.name) return undefined;
    if (bytes.length > messageBytesMax) return dropped(count, 'packet-too-long');
    const cost = costOf(bytes);
    if (cost !== undefined && !takePacket(address, cost)) return dropped(count, 'packet-rate');
    const message = decodeMessage(bytes);
    if (message === undefined) return dropped(count, 'packet-malformed');
    if (port !== mdnsPort) return dropped(count, message.type === 'query' ? 'query-legacy' : 'response-port');
    const shown =
      message.type === 'query' ? siftQuery(message, this.#own, ownTtlS) : this.#heard(message, address);
    // Of a browser's list nothing is used: it is emptied, so that each time that a service is heard of counts.
    for (const browser of this.#browsers) browser.services.length = 0;
    return shown === undefined ? undefined : (encoded(shown) ?? dropped(count, 'packet-malformed'));
  }

  #heard(response: DnsMessage, source: string): DnsMessage | undefined {
    const { admit, onGoodbye } = this.#options;
    const { message, goodbyes } = siftResponse(response, (instance) => admit(source, instance));
    for (const instance of goodbyes) onGoodbye(source, instance);
    return message;
  }

  #sending(bytes: Buffer): { bytes: Buffer; delayMs: number } | undefined {
    const message = decodeMessage(bytes);
    if (message === undefined) return undefined;
    if (message.type === 'query') {
      const query = encoded(shapeQuery(message, this.#own));
      return query && { bytes: query, delayMs: 0 };
    }
    const shaped = shapeResponse(message, this.interface, this.#own);
    const delayMs = shaped.answers.length > 0 ? this.#pace.delayMs(shaped, this.#options.nowMs()) : undefined;
    const response = delayMs === undefined ? undefined : encoded(shaped);
    return response && { bytes: response, delayMs: delayMs ?? 0 };
  }
}

function dropped(count: (drop: PacketDrop) => void, drop: PacketDrop): undefined {
  count(drop);
  return undefined;
}

/** A name that came in one piece may not be one that can be written. */
function encoded(message: DnsMessage): Buffer | undefined {
  try {
    return encodeMessage(message);
  } catch {
    return undefined;
  }
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
