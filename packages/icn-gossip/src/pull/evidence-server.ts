import type { Did } from '@icn/identity';
import type { Counters } from '../bounds/counters.js';
import { PeerQuota } from '../bounds/peer-quota.js';
import type { DropName } from '../drops.js';
import type { EntryParts } from '../entry/entry.js';
import type { EntryId } from '../entry/entry-name.js';
import { PROTOCOL, type GossipLimits } from '../limits.js';
import type { Outbox } from '../outbox.js';
import type { Topic } from '../topic.js';
import type { TopicState } from '../topic/topic-state.js';
import type { PullRequest } from '../wire/messages.js';

interface Serve {
  readonly to: readonly Did[];
  readonly topic: Topic;
  /** Who asked; undefined where nobody did. */
  readonly asker: Did | undefined;
}

/** Logs of one request whose evidence is looked up; whoever wants more asks again (guess). */
const LOGS_PER_REQUEST_MAX = 16;
/** Closings whose witness waits for the disk to be told; repair tells of the rest (guess). */
const TELLS_MAX = 256;
/** No witness is larger, payloads counted, for a store counts them. */
const WITNESS_BYTES_MAX =
  PROTOCOL.witnessEntriesMax * (PROTOCOL.headerBytesMax + PROTOCOL.payloadBytesMax + 512);

/** Sends the evidence of closed logs, one `Equivocation` a log: as news, or to who asks for it. */
export class EvidenceServer {
  readonly #outbox: Outbox;
  readonly #counters: Counters<DropName>;
  readonly #quota: PeerQuota;
  readonly #serves = new Map<number, Serve>();
  #tellCount = 0;

  constructor(limits: GossipLimits, outbox: Outbox, counters: Counters<DropName>) {
    this.#outbox = outbox;
    this.#counters = counters;
    this.#quota = new PeerQuota(limits.servesPerPeerMax);
  }

  /** Tells peers of a closing, by the ids of its witness. */
  tell(to: readonly Did[], topic: Topic, witness: readonly EntryId[]): void {
    if (to.length === 0) return;
    if (this.#tellCount >= TELLS_MAX) return this.#counters.add('pull-overload');
    this.#tellCount++;
    this.#load({ to, topic, asker: undefined }, witness);
  }

  /** Answers the `evidence` of a request, of logs that are closed here. */
  request(peer: Did, { topic, evidence }: PullRequest, state: TopicState): void {
    const logs = new Map(evidence.map((log) => [`${log.author}/${log.lane}`, log]));
    for (const { author, lane } of [...logs.values()].slice(0, LOGS_PER_REQUEST_MAX)) {
      const witness = state.witness(author, lane);
      if (witness.length === 0) continue;
      if (!this.#quota.take(peer)) return this.#counters.add('pull-overload');
      this.#load({ to: [peer], topic, asker: peer }, witness);
    }
  }

  loaded(load: number, entries: readonly (EntryParts | undefined)[]): void {
    const serve = this.#serves.get(load);
    if (serve === undefined) return;
    this.#forget(load, serve);
    const headers = entries
      .filter((parts) => parts !== undefined)
      .map(({ header, proof }): EntryParts => ({ header, payload: undefined, proof }));
    this.#outbox.send(serve.to, { type: 'Equivocation', topic: serve.topic, entries: headers });
  }

  /** The peer is gone, and with it what it asked for; of what others are told too it is left out. */
  dropPeer(peer: Did): void {
    for (const [load, serve] of this.#serves) {
      if (!serve.to.includes(peer)) continue;
      const to = serve.to.filter((other) => other !== peer);
      if (to.length === 0) this.#forget(load, serve);
      else this.#serves.set(load, { ...serve, to });
    }
  }

  #load(serve: Serve, witness: readonly EntryId[]): void {
    this.#serves.set(this.#outbox.load(serve.topic, witness, WITNESS_BYTES_MAX), serve);
  }

  #forget(load: number, { asker }: Serve): void {
    this.#serves.delete(load);
    if (asker === undefined) this.#tellCount--;
    else this.#quota.give(asker);
  }
}
