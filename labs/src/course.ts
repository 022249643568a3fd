import type { CheckContext } from './check/check-context.js';

/** What the labs are made of: a course has labs, a lab parts in order, a part steps in order. */
export interface Course {
  /** As in `docs/course/07-….md`. */
  readonly number: string;
  readonly title: string;
  /** Its page in the repository. */
  readonly page: string;
  readonly labs: readonly Lab[];
}

export interface Lab {
  /** Two digits, as learners type it. */
  readonly number: string;
  /** The name of its folder. */
  readonly id: string;
  readonly title: string;
  /** What it is about, in a sentence. */
  readonly about: string;
  readonly parts: readonly Part[];
  /** Solutions that make one classic mistake each. */
  readonly wrong: readonly WrongSolution[];
  /** A file of the packages that does the same, and what it does beyond the lab. */
  readonly production: readonly { readonly path: string; readonly beyond: string }[];
}

export interface Part {
  readonly id: string;
  readonly title: string;
  readonly goal: string;
  /** The file of the learner's copy to write in. */
  readonly file: string;
  /** Files of the repository to read before, with what to look for. */
  readonly read: readonly Reading[];
  readonly question: string;
  readonly steps: readonly Step[];
  /** A wrong solution that shows what the part is about, by failing. */
  readonly demonstration?: string;
}

export interface Reading {
  readonly path: string;
  readonly lookFor: string;
  /** It gives the part away, so it is shown once the part has passed. */
  readonly isAfter?: boolean;
}

export interface Step {
  readonly id: string;
  readonly title: string;
  /** From a question, which is shown with the failure, to nearly the code. */
  readonly hints: readonly [string, string, string];
  /** Where it is not the part's. */
  readonly file?: string;
  /** Throws a `StepFailure` where the learner's code does not do it. */
  readonly check: (context: CheckContext) => void | Promise<void>;
}

export interface WrongSolution {
  /** The name of its folder: files that replace those of the solution. */
  readonly id: string;
  readonly mistake: string;
  /** The part that must find it, and no other may. */
  readonly caughtBy: string;
}
