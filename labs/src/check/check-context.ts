import { StepFailure } from './step-failure.js';

/** What a check is given: the learner's files, and the seeds to try. */
export interface CheckContext {
  readonly seeds: readonly number[];
  /** Tells the learner something beside pass or fail. */
  readonly note?: (text: string) => void;
  /** Loads one file of the learner's, by its name without ending. */
  readonly load: (file: string) => Promise<Readonly<Record<string, unknown>>>;
}

/** An exported function or class, as the starter declares it. */
export async function exported<Value>({ load }: CheckContext, file: string, name: string): Promise<Value> {
  const value = (await load(file))[name];
  if (typeof value !== 'function') throw new StepFailure(`${file}.ts exports no function or class ${name}`);
  return value as Value;
}
