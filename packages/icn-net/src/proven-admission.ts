import type { Did } from '@icn/identity';
import type { Expectation } from './peer-proof.js';
import type { CloseCode, CloseReason } from './protocol.js';
import { refusalOf, type RefusalCounters } from './refusals.js';

export interface ProvenAdmissionOptions {
  /** Who we are. */
  readonly own: Did;
  readonly connectionsMax: number;
  readonly counters: RefusalCounters;
  /** Asked about each peer once it is proven: a close code refuses it. */
  readonly admit: ((did: Did) => CloseCode | undefined) | undefined;
}

/** One attempt to connect, in either direction, and what became of it. */
export interface Attempt {
  readonly expectation: Expectation;
  /** Both sides have accepted each other. */
  readonly proven: () => void;
  /** It is over: says whether it had been proven; if not, the reason is counted. To be called once. */
  readonly ended: (reason: CloseReason) => boolean;
}

/** Which proven peers a transport takes, how many it has, and why others did not come so far. */
export class ProvenAdmission {
  readonly #options: ProvenAdmissionOptions;
  readonly #proven = new Set<Attempt>();

  constructor(options: ProvenAdmissionOptions) {
    this.#options = options;
  }

  /** An attempt with the peer `expect`, or anybody; `isFull` says that whom it is for takes no more. */
  begin(expect: Did | undefined, isFull?: () => boolean): Attempt {
    const { own, counters, connectionsMax, admit } = this.#options;
    const proven = this.#proven;
    const attempt: Attempt = {
      expectation: {
        own,
        expect,
        admit: (did) => (proven.size >= connectionsMax || isFull?.() === true ? 'too-many' : admit?.(did)),
      },
      proven: () => void proven.add(attempt),
      ended: (reason) => {
        const wasProven = proven.delete(attempt);
        if (!wasProven) counters[refusalOf(reason)] += 1;
        return wasProven;
      },
    };
    return attempt;
  }
}
