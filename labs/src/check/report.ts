/** What the judged process tells, one message at a time. */
export type Told =
  | { readonly type: 'started'; readonly part: string; readonly step: string }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'passed'; readonly part: string; readonly step: string }
  | ({ readonly type: 'failed'; readonly part: string; readonly step: string } & Failure)
  | { readonly type: 'done' };

export interface Failure {
  readonly message: string;
  readonly evidence: readonly string[];
}

/** How one part went. */
export interface PartReport {
  readonly part: string;
  readonly passedSteps: readonly string[];
  /** The first step that failed. */
  readonly failedStep?: string;
  readonly failure?: Failure;
  readonly notes: readonly string[];
}

export interface RunReport {
  readonly parts: readonly PartReport[];
  /** What the learner's code printed, cut to what a screen takes. */
  readonly printed: string;
}

/** What the judged process is to do. */
export interface Task {
  readonly lab: string;
  /** Where the JavaScript of the solution lies. */
  readonly folder: string;
  readonly parts: readonly string[];
  readonly seeds: readonly number[];
  /** Go on with the next part where one fails. */
  readonly goesOn: boolean;
}
