import type { Topic } from '@icn/gossip';
import type { Did } from '@icn/identity';

/** What one reconciliation session with a peer cost, and why it went as it did. Bytes are those of gossip frames, without entries. */
export interface SessionBill {
  readonly peer: Did;
  readonly topic: Topic;
  readonly role: 'asked' | 'answered';
  readonly startedAtMs: number;
  readonly endedAtMs: number | undefined;
  readonly strategy: 'root' | 'clock' | 'bloom' | 'sketch';
  readonly why: string;
  readonly outcome: 'equal' | 'repaired' | 'differs' | 'timed-out' | 'under-way';
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly roundTrips: number;
  readonly differenceCount: number | undefined;
  readonly entriesReceived: number;
  readonly entriesSent: number;
  /** The least that any protocol could need to tell which entries differ: ceil(log2 C(N, d) / 8). */
  readonly boundBytes: number | undefined;
}

/** Keeps the bills of recent sessions. */
interface SessionLedger {
  sessions(topic: Topic): readonly SessionBill[];
}

/** The bills of recent sessions of a topic, oldest first; none where the machine keeps none. */
export function sessionBills(gossip: object, topic: Topic): readonly SessionBill[] {
  const { sessions } = gossip as Partial<SessionLedger>;
  return sessions?.call(gossip, topic) ?? [];
}
