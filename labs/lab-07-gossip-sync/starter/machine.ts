import type { Effect, Event, Machine, Setup } from '@icn/labs/lab-07';

/**
 * A node that gossips. It is told what happened and returns what is to be done, in order: it has no socket, no clock
 * and no disk of its own. See the events, effects and messages in labs/src/lab-07/contract.ts.
 *
 * Parts 2 to 6 are all written here. Part 2 needs the first four events, part 3 `woke`.
 */
export class GossipMachine implements Machine {
  readonly #setup: Setup;

  constructor(setup: Setup) {
    this.#setup = setup;
  }

  /** When it wants to be woken next, in the time of `handle`; undefined: never. Part 3 needs it. */
  get wakeAtMs(): number | undefined {
    return undefined;
  }

  handle(event: Event, nowMs: number): readonly Effect[] {
    switch (event.type) {
      case 'joined': // this node follows event.topic from now on
      case 'peer-up': // a link to event.peer is up
      case 'received': // event.from said event.message
      case 'submitted': // the application published event.entry
      case 'peer-down': // the link to event.peer is down
      case 'woke': // the time of wakeAtMs has come
        return []; // TODO subscribe, announce, topics, pass-on, once
    }
  }
}
