import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { BOUNDS, judge } from '../check/sandbox.js';
import { transpile } from '../check/transpile.js';
import { LabError } from '../lab-error.js';
import { lab07 } from '../lab-07/lab.js';
import type { Learner } from '../learner.js';
import { shownPath } from '../show/screens.js';
import { withRunFolder } from '../workplace.js';
import { diagnosisQuestion } from './broken-network.js';
import { clockQuestion } from './clock-question.js';
import { wrongAnswers, type Question } from './item.js';
import { differences, seedIn, traceRun, traceTemplate } from './trace-item.js';

export interface CheckpointOptions {
  /** Makes the same questions again; else they are new ones. */
  readonly seed?: number;
  /** Answers, one for each question, instead of being asked on the terminal. */
  readonly answers?: readonly string[];
  /** The drawing, where it is not in the learner's copy. */
  readonly file?: string;
}

/** The four items of the course page's checkpoint, in its words. */
export const ITEMS = {
  trace: 'Trace gossip flow: draw push, pull and anti-entropy for one entry',
  clocks: 'Explain vector clocks: predict comparisons, and what is processed once',
  diagnose: 'Debug replication: "node B never receives entry X"',
  bloom: 'Implement anti-entropy: the Bloom filter of your lab 07',
} as const;

export type Item = keyof typeof ITEMS;

const COURSE = '08';
const SEEDS = [1, 2, 3];

/** The assessment of course 08, on one learner's copy. Each command resolves to the exit code. */
export class Checkpoint {
  readonly #learner: Learner;
  readonly #drawSeed: () => number;

  constructor(learner: Learner, drawSeed = () => 1 + Math.floor(Math.random() * 999_999)) {
    this.#learner = learner;
    this.#drawSeed = drawSeed;
  }

  /** Which items were met. */
  async status(): Promise<number> {
    const { terminal } = this.#learner;
    const { checkpoints } = await this.#learner.readProgress();
    const met = checkpoints[COURSE] ?? {};
    terminal.line(terminal.strong(`Checkpoint of course ${COURSE}`));
    for (const [item, words] of Object.entries(ITEMS))
      terminal.line(`  ${met[item] === undefined ? '·' : terminal.good('✓')} ${item.padEnd(9)} ${words}`);
    const next = Object.keys(ITEMS).find((item) => met[item] === undefined);
    terminal.line();
    if (next === undefined) terminal.line(terminal.good('All four are met: you have completed this layer.'));
    else terminal.line(`Next: ${terminal.command(`checkpoint ${COURSE} ${next}`)}`);
    return next === undefined ? 0 : 1;
  }

  async run(item: Item, options: CheckpointOptions): Promise<number> {
    const isMet = await this.#judge(item, options);
    if (!isMet) return 1;
    const progress = await this.#learner.readProgress();
    (progress.checkpoints[COURSE] ??= {})[item] = new Date().toISOString();
    await this.#learner.writeProgress(progress);
    this.#learner.terminal.line();
    return this.status().then(() => 0);
  }

  #judge(item: Item, options: CheckpointOptions): Promise<boolean> {
    switch (item) {
      case 'trace':
        return this.#trace(options);
      case 'clocks':
        return this.#ask(item, options, (seed) => Promise.resolve(clockQuestion(seed)));
      case 'diagnose':
        return this.#ask(item, options, diagnosisQuestion);
      case 'bloom':
        return this.#bloom();
    }
  }

  /** The learner's drawing against the recorded run. */
  async #trace({ seed, file }: CheckpointOptions): Promise<boolean> {
    const { terminal, workplace } = this.#learner;
    const folder = join(workplace.folder, `checkpoint-${COURSE}`);
    const path = file ?? join(folder, 'trace.mmd');
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined && file !== undefined) throw new LabError(`there is no file ${file}`);
    if (text === undefined) {
      const run = await traceRun(seed ?? this.#drawSeed());
      await mkdir(folder, { recursive: true });
      await writeFile(path, traceTemplate(run));
      terminal.lines(run.story);
      terminal.line();
      terminal.line(
        `Draw it in ${shownPath(path)}, a Mermaid sequence diagram, then the same command again.`,
      );
      return false;
    }
    const told = seed ?? seedIn(text);
    if (told === undefined)
      throw new LabError(`${shownPath(path)} does not say "%% seed …": remove it, and a new one is made`);
    const run = await traceRun(told);
    const faults = differences(text, run);
    if (faults.length === 0) {
      terminal.line(terminal.good('Your drawing is the recorded run:'));
      terminal.lines(run.drawn, '  ');
      return true;
    }
    terminal.lines(run.story);
    terminal.line();
    terminal.lines(faults.map((fault) => terminal.bad(fault)));
    return false;
  }

  async #ask(
    item: Item,
    options: CheckpointOptions,
    make: (seed: number) => Promise<Question>,
  ): Promise<boolean> {
    const { terminal } = this.#learner;
    if (options.answers !== undefined && options.seed === undefined)
      throw new LabError(
        'answers are to the questions of one seed: give --seed too, as it was shown with them',
      );
    const seed = options.seed ?? this.#drawSeed();
    const question = await make(seed);
    terminal.line(terminal.dim(`seed ${seed}`));
    terminal.lines(question.text);
    const isAsked = options.answers === undefined && terminal.isInteractive;
    const answers = options.answers ?? (isAsked ? await this.#answersTo(question) : undefined);
    if (answers === undefined) {
      for (const [index, ask] of question.asks.entries()) this.#showAsk(index, ask.text, ask.choices);
      terminal.line();
      terminal.line(
        `Answer with ${terminal.command(`checkpoint ${COURSE} ${item} --seed ${seed} --answers ${question.asks.map(() => '…').join(',')}`)}`,
      );
      return false;
    }
    const wrong = wrongAnswers(question, answers);
    terminal.line();
    terminal.lines(wrong.map((words) => terminal.bad(words)));
    if (wrong.length > 0) terminal.line('Without --seed the questions are new ones.');
    else terminal.lines([terminal.good('All right.'), ...question.afterwards]);
    return wrong.length === 0;
  }

  async #answersTo({ asks }: Question): Promise<readonly string[]> {
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    const answers: string[] = [];
    const end = new AbortController();
    lines.once('close', () => end.abort());
    try {
      for (const [index, { text, choices }] of asks.entries()) {
        this.#showAsk(index, text, choices);
        answers.push(await lines.question('> ', { signal: end.signal }));
      }
    } catch (error) {
      if (!end.signal.aborted) throw error;
      throw new LabError('you left before the last question; the next ones will be new', 1);
    } finally {
      lines.close();
    }
    return answers;
  }

  #showAsk(index: number, text: readonly string[], choices: readonly string[]): void {
    const { terminal } = this.#learner;
    const [first = '', ...rest] = text;
    terminal.line();
    terminal.line(`${index + 1}. ${first}`);
    terminal.lines(rest, '   ');
    terminal.line(terminal.dim(`   one of: ${choices.join(', ')}`));
  }

  /** The Bloom part of the learner's own lab, and what became of its false positives. */
  async #bloom(): Promise<boolean> {
    const { terminal, workplace } = this.#learner;
    if (!(await workplace.has(lab07)))
      throw new LabError('lab 07 is not started yet: npx -y pnpm@12 labs start 07', 1);
    return withRunFolder(async (folder) => {
      const faults = await transpile([workplace.folderOf(lab07)], folder);
      if (faults.length > 0)
        throw new LabError(
          `${faults[0]!.file}:${faults[0]!.line} is not TypeScript: ${faults[0]!.message}`,
          1,
        );
      const report = await judge(
        { lab: lab07.id, folder, parts: ['bloom'], seeds: SEEDS, goesOn: false },
        BOUNDS,
      );
      const [part] = report.parts;
      if (part?.failure === undefined && part !== undefined) {
        terminal.line(terminal.good('Your nodes converge by filters alone, with a fresh salt each round.'));
        terminal.lines(part.notes);
        return true;
      }
      terminal.line(terminal.bad(part?.failure?.message ?? 'nothing was judged'));
      terminal.lines(part?.failure?.evidence ?? [], '  ');
      return false;
    });
  }
}
