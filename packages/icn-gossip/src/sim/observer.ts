import type { StoreWrite } from '../entry/entry-store.js';
import type { GossipEffect, GossipEvent } from '../events.js';
import type { WriteFault } from './disk.js';
import type { SimNode } from './sim-node.js';

/**
 * Looks on at a world: traces, checkers and statistics are observers. All that happens is told in order, in the
 * world's time (milliseconds). An observer changes nothing of what it sees.
 */
export interface Observer {
  booted?(node: SimNode, nowMs: number): void;
  crashed?(node: SimNode, nowMs: number): void;
  /** An old backup was put back in place of the node's disk. */
  rolledBack?(node: SimNode, nowMs: number): void;
  /** Before the machine handles the event. */
  told?(node: SimNode, event: GossipEvent, nowMs: number): void;
  /** Before the world carries the effect out. */
  ordered?(node: SimNode, effect: GossipEffect, nowMs: number): void;
  /** The writes are durable. */
  written?(node: SimNode, writes: readonly StoreWrite[], faults: readonly WriteFault[], nowMs: number): void;
  /** A frame leaves on a link that the sender believes in. */
  sent?(from: SimNode, to: SimNode, frame: Uint8Array, nowMs: number): void;
  /** A frame is about to be handled. */
  arrived?(from: SimNode, to: SimNode, frame: Uint8Array, nowMs: number): void;
  /** The machine had a signature checked. */
  verified?(node: SimNode, message: Uint8Array, isValid: boolean, nowMs: number): void;
  /** The machine threw, which it must never do. */
  threw?(node: SimNode, event: GossipEvent, error: unknown, nowMs: number): void;
  /** Something of the world itself, in words: a cut, a heal, the end of the faults. */
  noted?(text: string, nowMs: number): void;
}

type Hook = keyof Observer;
type Watcher<Name extends Hook> = Observer & Required<Pick<Observer, Name>>;

/** Observers by what they want to be told: most of what happens concerns few of them. */
export class Observers implements Record<Hook, readonly Observer[]> {
  readonly booted: Watcher<'booted'>[] = [];
  readonly crashed: Watcher<'crashed'>[] = [];
  readonly rolledBack: Watcher<'rolledBack'>[] = [];
  readonly told: Watcher<'told'>[] = [];
  readonly ordered: Watcher<'ordered'>[] = [];
  readonly written: Watcher<'written'>[] = [];
  readonly sent: Watcher<'sent'>[] = [];
  readonly arrived: Watcher<'arrived'>[] = [];
  readonly verified: Watcher<'verified'>[] = [];
  readonly threw: Watcher<'threw'>[] = [];
  readonly noted: Watcher<'noted'>[] = [];

  add(...observers: readonly Observer[]): void {
    for (const observer of observers) {
      for (const name of Object.keys(this) as Hook[])
        if (observer[name] !== undefined) (this[name] as Observer[]).push(observer);
    }
  }
}
