/** Commits positions in order, one request at a time: what comes meanwhile is committed by the next. */
export class Commits {
  readonly #commit: (position: number) => Promise<unknown>;
  #position = 0;
  #committed = 0;
  #committing: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(commit: (position: number) => Promise<unknown>) {
    this.#commit = commit;
  }

  /** Throws what a commit before threw: whoever is not remembered must not go on. */
  add(position: number): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#position = position;
    this.#committing ??= this.#run();
  }

  /** Resolves when all that was added is committed; throws what a commit threw. */
  async settled(): Promise<void> {
    await this.#committing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #run(): Promise<void> {
    try {
      while (this.#committed < this.#position) {
        const position = this.#position;
        await this.#commit(position);
        this.#committed = position;
      }
    } catch (error) {
      this.#failure = error as Error;
    }
    this.#committing = undefined;
  }
}
