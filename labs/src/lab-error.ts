/** The learner asked for what is not there, or not yet: told in words, without a stack. */
export class LabError extends Error {
  override readonly name = 'LabError';
  /** 1: it failed. 2: it was called wrongly. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}
