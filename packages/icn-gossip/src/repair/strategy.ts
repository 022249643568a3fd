import type { HoldingCounts } from '../wire/messages.js';
import type { Reconcile } from '../topic/topic-context.js';
import { SYMBOL_BYTES, SYMBOLS_MAX, symbolsFor } from './sketch.js';

/** An author, a lane, a floor, a seq and an id, with their CBOR heads. */
export const CLOCK_COMPONENT_BYTES = 76;
/** A clock up to here is told whole: it needs no guess about the difference, and so never a second trip (guess: 13 heads). */
const SHORT_CLOCK_BYTES = 1_024;
/** A head of a sketch is asked for by its hash, and what is held of its log is named by another. */
const HASH_BYTES = 8;

/** How the side that holds more tells the other what it holds. */
export interface Plan {
  readonly type: 'clock' | 'sketch';
  /** The first stretch of a sketch. */
  readonly symbolCount: number;
  /** For whoever reads the bill. */
  readonly why: string;
}

export interface Situation {
  readonly reconcile: Reconcile;
  /** What the side that tells holds, and the side that is told. */
  readonly teller: HoldingCounts;
  readonly learner: HoldingCounts;
  /** Heads that changed at the teller since both had one root, where it remembers that. */
  readonly changedCount: number | undefined;
  /** Whether both sides understand sketches. */
  readonly canSketch: boolean;
}

/**
 * Chooses by bytes. The difference is not known yet, but the counts bound it from below: as many entries differ as
 * one side holds more of, and so many entries, cast at random over the logs, change so many heads. Where the
 * guess is too low the sketch goes on; that costs a trip, never an entry.
 */
export function planFor(situation: Situation): Plan {
  const { reconcile, teller, changedCount, canSketch } = situation;
  const headCount = Math.min(changedCount ?? Infinity, teller.heads);
  const clockBytes = headCount * CLOCK_COMPONENT_BYTES;
  const { addedCount, replacedCount } = differingHeads(situation);
  const neededCount = symbolsFor(addedCount, replacedCount);
  // The peer's counts are whatever it says, and no message holds more.
  const symbolCount = Math.min(neededCount, SYMBOLS_MAX);
  const sketchBytes = neededCount * SYMBOL_BYTES + addedCount * HASH_BYTES + replacedCount * 2 * HASH_BYTES;
  const clockName = headCount < teller.heads ? `${headCount} changed heads` : `a clock of ${headCount} heads`;
  if (reconcile === 'clock' || reconcile === 'bloom')
    return { type: 'clock', symbolCount, why: `${clockName}, as configured` };
  if (!canSketch) return { type: 'clock', symbolCount, why: `${clockName}: the peer knows no sketches` };
  const sketchName = `a sketch for ${addedCount + replacedCount} differing heads`;
  if (reconcile === 'sketch') return { type: 'sketch', symbolCount, why: `${sketchName}, as configured` };
  const isClock = clockBytes <= Math.max(SHORT_CLOCK_BYTES, sketchBytes);
  const [chosen, other] = isClock ? [clockName, sketchName] : [sketchName, clockName];
  const [bytes, otherBytes] = isClock ? [clockBytes, sketchBytes] : [sketchBytes, clockBytes];
  const why = `about ${bytes} bytes for ${chosen}, ${otherBytes} for ${other}`;
  return { type: isClock ? 'clock' : 'sketch', symbolCount, why };
}

/** Guessed from the counts: heads that only one side has a log for, and logs whose head is another on the other side. */
function differingHeads({ teller, learner }: Situation): { addedCount: number; replacedCount: number } {
  const entryCount = Math.max(1, Math.abs(teller.held - learner.held));
  const logCount = Math.max(1, teller.heads, learner.heads);
  const touchedCount = Math.ceil(logCount * (1 - (1 - 1 / logCount) ** entryCount));
  const addedCount = Math.abs(teller.heads - learner.heads);
  return { addedCount, replacedCount: Math.max(0, touchedCount - addedCount) };
}
