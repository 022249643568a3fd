import type { EntryLinks } from '../../src/entry/entry-header.js';
import type { EntryId, Lane } from '../../src/entry/entry-name.js';
import { DEFAULT_LIMITS, type GossipLimits } from '../../src/limits.js';
import type { Delivery } from '../../src/topic/delivery-order.js';
import { TopicState } from '../../src/topic/topic-state.js';
import type { ClosedLog } from '../../src/wire/messages.js';
import { did, NETWORK, TOPIC } from '../fixtures.js';

/** An entry as links alone; the number makes its id. */
export function linksOf(
  number: number,
  seq: number,
  prev: EntryLinks | undefined,
  { author = 1, lane = 0 }: { readonly author?: number; readonly lane?: Lane } = {},
): EntryLinks {
  const id = number.toString(16).padStart(16, '0').padEnd(64, 'f') as EntryId;
  return { name: { author: did(author), lane, seq, id }, prev: prev?.name.id ?? null, deps: [] };
}

/** A tree of entries: each hangs at an earlier one, or begins the log where it names none. */
export function treeOf(parents: readonly (number | undefined)[], author = 1): EntryLinks[] {
  const entries: EntryLinks[] = [];
  for (const parent of parents) {
    const prev = parent === undefined ? undefined : entries[parent];
    const number = author * 1_000 + entries.length;
    entries.push(linksOf(number, (prev?.name.seq ?? 0) + 1, prev, { author }));
  }
  return entries;
}

/** Where a log with these headers is closed, from the definition: siblings share prev and seq. */
export function closingByDefinition(entries: readonly EntryLinks[]): number | undefined {
  const idsAt = new Map<string, { readonly seq: number; readonly ids: Set<EntryId> }>();
  for (const { name, prev } of entries) {
    const key = `${name.seq} ${prev}`;
    const place = idsAt.get(key) ?? { seq: name.seq, ids: new Set() };
    place.ids.add(name.id);
    idsAt.set(key, place);
  }
  const forked = [...idsAt.values()].filter(({ ids }) => ids.size > 1);
  const extraCount = forked.reduce((sum, { ids }) => sum + ids.size - 1, 0);
  return extraCount < 8 ? undefined : Math.min(...forked.map(({ seq }) => seq));
}

/** A topic's state with a disk of links, and what its consumers were told; checks what must hold at each step. */
export class LogNode {
  readonly stored = new Map<EntryId, EntryLinks>();
  /** By position − 1. */
  readonly told: (EntryLinks | ClosedLog)[] = [];
  readonly deliveries: Delivery[] = [];
  readonly #limits: GossipLimits;
  state: TopicState;
  nowMs = 0;

  constructor(limits: Partial<GossipLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.state = new TopicState(TOPIC, NETWORK, this.#limits);
  }

  get root(): string {
    return this.state.root.join();
  }

  /** Takes an entry as the protocol would: known and refused ones are left out. Returns why not. */
  take(entry: EntryLinks): string | undefined {
    if (this.state.has(entry.name)) return 'duplicate';
    const refusal = this.state.refusalOf(entry);
    if (refusal !== undefined) return refusal;
    this.stored.set(entry.name.id, entry);
    this.#note(this.state.accept(entry, this.nowMs));
    return undefined;
  }

  /** Lets time pass until nothing waits for causal parents any more. */
  wait(): void {
    for (let atMs = this.state.wakeAtMs; atMs !== undefined; atMs = this.state.wakeAtMs) {
      this.nowMs = atMs;
      this.#note(this.state.expire(atMs));
    }
  }

  /** Takes evidence; returns whether it was news. */
  prove(headers: readonly EntryLinks[]): boolean {
    if (!this.state.isNews(headers)) return false;
    const deliveries = this.state.prove(headers);
    const { author, lane } = headers[0]!.name;
    const witness = new Set(this.state.witness(author, lane));
    for (const header of headers) if (witness.has(header.name.id)) this.stored.set(header.name.id, header);
    this.#note(deliveries);
    return true;
  }

  witness(author = 1): EntryLinks[] {
    return this.state.witness(did(author), 0).map((id) => this.stored.get(id)!);
  }

  /** Starts anew from the disk, which gives back what was never delivered in any order. */
  restart(order: (entries: EntryLinks[]) => EntryLinks[] = (entries) => entries): void {
    this.state = new TopicState(TOPIC, NETWORK, this.#limits);
    const delivered = new Set<EntryId>();
    for (const [index, row] of this.told.entries()) {
      if ('from' in row) {
        this.state.restoreWithdrawal(row, index + 1);
        continue;
      }
      delivered.add(row.name.id);
      this.state.restore(row, index + 1);
    }
    const others = [...this.stored.values()].filter(({ name }) => !delivered.has(name.id));
    for (const entry of order(others)) this.state.restore(entry, undefined);
    this.#note(this.state.settle(this.nowMs));
  }

  #note(deliveries: readonly Delivery[]): void {
    for (const { log, position, witness } of this.state.takeNews().closings) {
      const isSame = (row: ClosedLog | EntryLinks['name']) =>
        row.author === log.author && row.lane === log.lane;
      const toldFrom = Math.min(
        Infinity,
        ...this.told.flatMap((row) => ('from' in row && isSame(row) ? [row.from] : [])),
      );
      const leaving = this.told.filter(
        (row) => !('from' in row) && isSame(row.name) && row.name.seq >= log.from && row.name.seq < toldFrom,
      );
      insist((position !== undefined) === leaving.length > 0, 'consumers are told exactly of what they had');
      insist(witness.length <= 16, 'a witness has at most 16 headers');
      insist(
        closingByDefinition(witness.map((id) => this.stored.get(id)!)) === log.from,
        'the witness proves it',
      );
      if (position !== undefined) this.#tell(position, log);
    }
    for (const delivery of deliveries) {
      const entry = this.stored.get(delivery.name.id);
      insist(entry !== undefined, 'delivered what is not stored');
      insist(!this.state.isClosed(delivery.name), 'delivered what is closed');
      insist(!this.told.includes(entry), 'I7: delivered twice');
      this.#tell(delivery.position, entry);
      this.deliveries.push(delivery);
    }
  }

  #tell(position: number, row: EntryLinks | ClosedLog): void {
    insist(position === this.told.length + 1, `I7: position ${position} after ${this.told.length}`);
    this.told.push(row);
  }
}

function insist(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`broken: ${invariant}`);
}
