import type { Did } from '@icn/identity';
import type { Topic } from '../topic.js';

/** What one reconciliation of one topic with one peer cost, and came to. Bytes are of gossip frames, without the entries in them. */
export interface SessionBill {
  readonly peer: Did;
  readonly topic: Topic;
  /** Whether this node began it. */
  readonly role: 'asked' | 'answered';
  readonly startedAtMs: number;
  readonly endedAtMs: number | undefined;
  readonly strategy: 'root' | 'clock' | 'bloom' | 'sketch';
  /** Why this strategy, in words. */
  readonly why: string;
  /** `equal`: the roots were. `repaired`: they are now. `differs`: all that could be had is here, and they still do. */
  readonly outcome: 'equal' | 'repaired' | 'differs' | 'timed-out' | 'under-way';
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Messages of this node that waited for one of the peer. */
  readonly roundTrips: number;
  /** Entries that were found to differ: received and sent. */
  readonly differenceCount: number;
  readonly entriesReceived: number;
  readonly entriesSent: number;
  /** What naming the difference costs at least: log2 of the ways to choose it among the entries held, in bytes. */
  readonly boundBytes: number;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
export type OpenBill = Mutable<Omit<SessionBill, 'differenceCount' | 'boundBytes'>> & { heldCount: number };

/** Bills of a topic that are kept (guess: an evening of looking back at a handful of peers). */
const BILLS_MAX = 64;

/** The bills of the last sessions of one topic. */
export class SessionBills {
  readonly #bills: OpenBill[] = [];

  open(bill: Pick<OpenBill, 'peer' | 'topic' | 'role' | 'startedAtMs' | 'heldCount'>): OpenBill {
    const open: OpenBill = {
      ...bill,
      endedAtMs: undefined,
      strategy: 'root',
      why: 'roots are compared first',
      outcome: 'under-way',
      sentBytes: 0,
      receivedBytes: 0,
      roundTrips: 0,
      entriesReceived: 0,
      entriesSent: 0,
    };
    this.#bills.push(open);
    if (this.#bills.length > BILLS_MAX) this.#bills.shift();
    return open;
  }

  /** A copy, the oldest first. */
  list(): readonly SessionBill[] {
    return this.#bills.map(({ heldCount, ...bill }) => {
      const differenceCount = bill.entriesReceived + bill.entriesSent;
      return { ...bill, differenceCount, boundBytes: boundBytes(heldCount, differenceCount) };
    });
  }
}

/** ⌈log2 C(held, difference) / 8⌉: so many bytes name the entries that differ, whoever is told. */
export function boundBytes(heldCount: number, differenceCount: number): number {
  const n = Math.max(heldCount, differenceCount);
  const bits = (lnFactorial(n) - lnFactorial(differenceCount) - lnFactorial(n - differenceCount)) / Math.LN2;
  return Math.max(0, Math.ceil(bits / 8 - 1e-9));
}

/** Stirling's series to 1/n³; exact enough below that for a bill. */
function lnFactorial(n: number): number {
  if (n < 2) return 0;
  return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n) - 1 / (360 * n ** 3);
}
