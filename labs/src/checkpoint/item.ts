/** One item of a checkpoint: made anew from each seed, and answered in words that a machine can judge. */
export interface Question {
  /** What is shown before the answers. */
  readonly text: readonly string[];
  /** One line each. */
  readonly asks: readonly Ask[];
  /** What is worth knowing once all is answered. */
  readonly afterwards: readonly string[];
}

export interface Ask {
  readonly text: readonly string[];
  readonly choices: readonly string[];
  readonly answer: string;
  /** Why it is so, shown after a wrong answer. */
  readonly because: string;
}

/** Which answers are wrong, in words; a missing one is wrong. */
export function wrongAnswers({ asks }: Question, answers: readonly string[]): readonly string[] {
  return asks.flatMap(({ answer, choices, because }, index) => {
    const given = answers[index]?.trim().toLowerCase() ?? '';
    if (given === answer) return [];
    if (!choices.includes(given))
      return [`${index + 1}: ${JSON.stringify(given)} is none of ${choices.join(', ')}`];
    return [`${index + 1}: not ${given}. ${because}`];
  });
}
