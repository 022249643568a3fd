/** What a step found wrong, in words for the learner. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
  /** What led to it: a drawn trace, or values side by side. */
  readonly evidence: readonly string[];

  constructor(message: string, evidence: readonly string[] = []) {
    super(message);
    this.evidence = evidence;
  }
}

/** Fails the step unless the condition holds. */
export function expect(
  condition: boolean,
  message: string,
  evidence: readonly string[] = [],
): asserts condition {
  if (!condition) throw new StepFailure(message, evidence);
}

/** Fails the step unless both are the same, shown as JSON. */
export function expectSame(actual: unknown, wanted: unknown, message: string): void {
  const [got, want] = [shown(actual), shown(wanted)];
  if (got !== want) throw new StepFailure(message, [`expected  ${want}`, `got       ${got}`]);
}

/** A value in one line. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return `${item}n`;
    if (item instanceof Uint8Array)
      return `${item.length} bytes ${Buffer.from(item.subarray(0, 16)).toString('hex')}`;
    if (item instanceof Map) return [...item];
    return item;
  });
  return text === undefined ? String(value) : text.length > 300 ? `${text.slice(0, 300)} …` : text;
}
