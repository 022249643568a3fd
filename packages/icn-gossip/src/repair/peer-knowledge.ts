import type { EntryId, EntryName } from '../entry/entry-name.js';
import type { TopicState } from '../topic/topic-state.js';
import type { LogName } from '../wire/messages.js';

/** What one session showed of the other side's heads, so that it is told those of ours that it lacks, and no others. */
export class PeerKnowledge {
  /** Logs of which the two sides did not have the same heads. */
  readonly #differing = new Map<string, LogName>();
  readonly #theirs = new Set<EntryId>();
  #isTheirs: (id: EntryId) => boolean = () => false;
  #toldVersion: number | undefined;

  /** Whether the other side was told what this side holds. */
  get hasTold(): boolean {
    return this.#toldVersion !== undefined;
  }

  /** The other side does not have our heads of a log, or has others. */
  differs({ author, lane }: LogName): void {
    this.#differing.set(keyOf({ author, lane }), { author, lane });
  }

  /** The other side said that it holds a head. */
  holds(id: EntryId): void {
    this.#theirs.add(id);
  }

  /** How else to tell a head of the other side. */
  knowsBy(isTheirs: (id: EntryId) => boolean): void {
    this.#isTheirs = isTheirs;
  }

  /** The other side was told all that it lacked of the state of that version. */
  told(version: number): void {
    this.#toldVersion = version;
  }

  /** Our heads, as they are now, of the logs that differ, which the other side neither has nor was told. */
  lackedOf(state: TopicState): EntryName[] {
    const heads =
      this.#toldVersion === undefined
        ? [...this.#differing.values()].flatMap((log) => state.headsOf(log))
        : state.headsSince(this.#toldVersion).filter((head) => this.#differing.has(keyOf(head)));
    return heads.filter(({ id }) => !this.#theirs.has(id) && !this.#isTheirs(id));
  }
}

function keyOf({ author, lane }: LogName): string {
  return `${author}/${lane}`;
}
