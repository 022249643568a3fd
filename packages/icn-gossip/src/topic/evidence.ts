import type { Counters } from '../bounds/counters.js';
import type { DropName } from '../drops.js';
import {
  decodeEntry,
  verifyEvidence,
  type DecodedEntry,
  type EntryParts,
  type VerifiedHeader,
} from '../entry/entry.js';
import type { EntryLinks } from '../entry/entry-header.js';
import { PROTOCOL } from '../limits.js';
import type { ClosedLog, Equivocation, LogName } from '../wire/messages.js';
import { toHex } from '@icn/identity';
import { encodeCbor } from '@icn/identity/cbor';
import { proofToCbor } from '../entry/proof.js';
import type { TopicContext } from './topic-context.js';
import type { TopicState } from './topic-state.js';

/** Headers that were found genuine in evidence that came to nothing; they are not checked again (guess). */
const GENUINE_MAX = 256;

/**
 * Lets evidence of forks into a topic. It is looked at in full before any signature is checked, and checked only
 * where, if genuine, it closes a log or closes it lower; so it costs a node at most one signature check a header
 * (I2), and what is false costs nobody but its sender: only what the author signed counts.
 */
export class EvidenceGate {
  readonly #context: Pick<TopicContext, 'network' | 'proofs' | 'counters'>;
  readonly #state: TopicState;
  readonly #genuine = new Set<string>();

  constructor(context: Pick<TopicContext, 'network' | 'proofs' | 'counters'>, state: TopicState) {
    this.#context = context;
    this.#state = state;
  }

  /** The headers of one log that are news to the state (`isNews`) and genuine: all of them, or none. Drops are counted. */
  admit({ entries }: Equivocation): readonly VerifiedHeader[] {
    const { counters } = this.#context;
    if (entries.length > PROTOCOL.witnessEntriesMax) return this.#drop('evidence-malformed');
    const decoded = entries.map((parts) => this.#decode(parts));
    const sound = decoded.filter((entry) => typeof entry !== 'string');
    for (const fault of decoded) if (typeof fault === 'string') counters.add(fault);
    if (!isOfOneDataLog(sound)) return this.#drop('evidence-malformed');
    // From where the log is closed nothing more is learnt, and what left there may be stored with its payload.
    const open = sound.filter(({ name }) => !this.#state.isClosed(name));
    if (!this.#state.isNews(open.map(linksOf))) return this.#drop('evidence-idle');
    const refusal = this.#state.refusalOf(linksOf(open[0]!));
    if (refusal === 'topic-full' || refusal === 'logs-full') return this.#drop(refusal);
    const genuine = open.filter((entry) => this.#isGenuine(entry, counters)) as unknown as VerifiedHeader[];
    if (genuine.length < open.length && !this.#state.isNews(genuine.map(linksOf)))
      return this.#drop('evidence-idle');
    return genuine;
  }

  #drop(name: DropName): readonly VerifiedHeader[] {
    this.#context.counters.add(name);
    return [];
  }

  #decode(parts: EntryParts): DecodedEntry | DropName {
    const entry = decodeEntry({ ...parts, payload: undefined });
    if (typeof entry === 'string') return entry;
    if (entry.header.network !== this.#context.network) return 'network-wrong';
    return entry.header.topic === this.#state.topic ? entry : 'topic-wrong';
  }

  /** What is held was checked when it came. */
  #isGenuine(entry: DecodedEntry, counters: Counters<DropName>): boolean {
    if (this.#state.has(entry.name)) return true;
    const key = `${entry.name.id}/${toHex(encodeCbor(proofToCbor(entry.parts.proof)))}`;
    if (this.#genuine.has(key)) return true;
    const checked = verifyEvidence(entry, this.#context.proofs);
    if (typeof checked === 'string') {
      counters.add(checked);
      return false;
    }
    if (this.#genuine.size >= GENUINE_MAX) this.#genuine.clear();
    this.#genuine.add(key);
    return true;
  }
}

function isOfOneDataLog(entries: readonly DecodedEntry[]): boolean {
  const [first] = entries;
  return (
    first?.name.lane === 0 &&
    entries.every(({ name }) => name.author === first.name.author && name.lane === 0)
  );
}

function linksOf({ name, header }: DecodedEntry): EntryLinks {
  return { name, prev: header.prev, deps: header.deps };
}

/** How a peer's closed logs differ from ours. */
export interface ClosingDifference {
  /** Logs that the peer holds closed, and we do not, or only from higher up: its evidence is to be asked for. */
  readonly wanted: readonly LogName[];
  /** Our closings that the peer lacks, where `theirs` is all that it holds closed. */
  readonly lacking: readonly ClosedLog[];
}

/** Compares what two nodes hold closed. Of one log the lower seq supersedes. */
export function compareClosings(ours: readonly ClosedLog[], theirs: readonly ClosedLog[]): ClosingDifference {
  return {
    wanted: lowerIn(theirs, ours).map(({ author, lane }) => ({ author, lane })),
    lacking: lowerIn(ours, theirs),
  };
}

/** The rows of `some` that are lower than those of `others`. */
function lowerIn(some: readonly ClosedLog[], others: readonly ClosedLog[]): ClosedLog[] {
  const fromOf = new Map(others.map(({ author, lane, from }) => [`${author}/${lane}`, from]));
  return some.filter(({ author, lane, from }) => from < (fromOf.get(`${author}/${lane}`) ?? Infinity));
}
