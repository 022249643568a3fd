// Statements in a file: one line each, the envelope in base64 (RFC 4648 §4); empty lines and lines that begin with
// `#` are passed over. So files can be joined, sorted, cut and mailed, and one damaged line costs itself alone.

import { base64 } from '@scure/base';

import { envelopeBytesMax } from '../envelope/envelope.js';
import { openStatement, type StatementFault, type TrustStatement } from './statement.js';
import type { TrustAdmission, TrustGraph, TrustOutcome } from './trust-graph.js';

/** The longest line that can be a statement: base64 writes three bytes as four characters. */
export const lineCharsMax = 4 * Math.ceil(envelopeBytesMax / 3);

/** Lines of one import of which signatures are checked: as many as a graph holds by default, 7 s of processor. */
export const importLinesMax = 100_000;

/** Faults that a report tells the place of. Enough to find what is wrong with a file; a guess. */
const placesMax = 20;

/** `text-malformed`: the line is no base64. `unread`: it comes after {@link importLinesMax} others. */
export type LineFault = StatementFault | 'text-malformed' | 'unread';

export interface ImportReport {
  /** Lines by what became of them; what is not named did not occur. */
  readonly counts: Readonly<Partial<Record<TrustOutcome | LineFault, number>>>;
  /** The first lines that were refused, by number from 1, and why. */
  readonly refused: readonly { readonly line: number; readonly why: LineFault | TrustOutcome }[];
}

/** Writes a statement as a line, without its end. */
export function formatLine({ bytes }: TrustStatement): string {
  return base64.encode(bytes);
}

/** Takes a file of statements line by line; what is good counts at once, what is not is counted by name. */
export class StatementImport {
  readonly #graph: TrustGraph;
  readonly #network: string;
  readonly #counts: Partial<Record<TrustOutcome | LineFault, number>> = {};
  readonly #refused: { line: number; why: LineFault | TrustOutcome }[] = [];
  #line = 0;
  #read = 0;

  constructor(graph: TrustGraph, network: string) {
    this.#graph = graph;
    this.#network = network;
  }

  get report(): ImportReport {
    return { counts: { ...this.#counts }, refused: [...this.#refused] };
  }

  /** What it changed of the graph, if it did. Never throws, whatever the line. */
  take(line: string, nowMs: number): ({ readonly statement: TrustStatement } & TrustAdmission) | undefined {
    this.#line += 1;
    const text = line.trim();
    if (text === '' || text.startsWith('#')) return undefined;
    const statement = this.#open(text);
    if (typeof statement === 'string') return this.#refuse(statement);
    const { outcome, dropped } = this.#graph.add(statement, nowMs);
    if (outcome === 'issuer-full' || outcome === 'full') return this.#refuse(outcome);
    this.#counts[outcome] = (this.#counts[outcome] ?? 0) + 1;
    return outcome === 'added' || outcome === 'renewed' ? { statement, outcome, dropped } : undefined;
  }

  #open(text: string): TrustStatement | LineFault {
    if (this.#read >= importLinesMax) return 'unread';
    this.#read += 1;
    if (text.length > lineCharsMax) return 'too-large';
    let bytes: Uint8Array;
    try {
      bytes = base64.decode(text);
    } catch {
      return 'text-malformed';
    }
    return openStatement(bytes, this.#network);
  }

  #refuse(why: LineFault | TrustOutcome): undefined {
    this.#counts[why] = (this.#counts[why] ?? 0) + 1;
    if (this.#refused.length < placesMax) this.#refused.push({ line: this.#line, why });
  }
}
