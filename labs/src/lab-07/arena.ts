import { parseTopic, type EntryName, type GossipMessage, type Topic } from '@icn/gossip';
import {
  acquaint,
  DeliveryChecker,
  EntryChecker,
  settle,
  SpeechChecker,
  Statistics,
  Violations,
  World,
  type LinkConditions,
  type SimNode,
  type Violation,
} from '@icn/gossip/sim';
import { StepFailure } from '../check/step-failure.js';
import { drawSequence } from '../show/sequence-diagram.js';
import { checkout } from '../workplace.js';
import { hosted, type HostOptions, type MachineClass } from './host.js';
import { nameOf, Recorder, type RecordedFrame, type RecordedRow } from './recorder.js';

export interface ArenaOptions extends HostOptions {
  readonly seed: number;
  readonly machine: MachineClass;
  /** The topics that each node follows; so many nodes are there. */
  readonly topics: readonly (readonly string[])[];
  readonly links?: Partial<LinkConditions>;
  /** Default: each knows each. Else each knows the next. */
  readonly inALine?: boolean;
  /** Default: what a checker finds fails the step. Else nothing is judged but by `converge`. */
  readonly isJudged?: boolean;
}

/** What checkers say of disks and positions, in the words of the lab. */
const REWORDED: readonly (readonly [RegExp, string])[] = [
  [
    /^sends [0-9a-f]{8} of its own before it is durable/,
    'sends something of an entry of its own that it has not delivered: order `deliver` first, then `send`',
  ],
  [
    /^an entry at position (\d+) gets position \d+ too/,
    'delivers an entry a second time: it was its delivery number $1',
  ],
];

/** What the checkers' numbers stand for (docs/invariants.md), as a learner meets them here. */
const MEANING: Readonly<Record<string, string>> = {
  total: 'the machine threw',
  I2: 'a signature was checked twice',
  I5: 'bytes of an entry were changed',
  I6: 'its clock claims what it does not hold without a hole',
  I7: 'entries were not delivered once each, in the order of their logs',
  I8: 'it spoke of an entry of its own before delivering it',
  I10: 'it looks in sync and is not',
  I15: 'nodes that had the same chances delivered different entries',
  liveness: 'an entry never arrived',
};

const ROWS_SHOWN = 22;

/** A few nodes that run a learner's machine in the simulator, under its checkers: what checks of lab 07 play in. */
export class Arena {
  readonly world: World;
  readonly recorder: Recorder;
  readonly #violations: Violations;
  readonly #statistics: Statistics;
  readonly #options: ArenaOptions;

  constructor(options: ArenaOptions) {
    const { seed, machine, topics, links = {} } = options;
    this.#options = options;
    const world = new World({ seed, machineOf: hosted(machine, options), topics: [], links });
    this.world = world;
    this.recorder = new Recorder(world);
    this.#violations = new Violations();
    this.#statistics = new Statistics(world);
    world.observe(
      this.recorder,
      this.#statistics,
      new EntryChecker(world, this.#violations),
      new SpeechChecker(world, this.#violations),
      new DeliveryChecker(world, this.#violations),
    );
    for (const names of topics) world.add({ topics: names.map(parseTopic) });
  }

  get nodes(): readonly SimNode[] {
    return this.world.nodes;
  }

  /** Starts all nodes and lets them meet. */
  start(): this {
    const { nodes } = this.world;
    if (this.#options.inALine === true)
      for (const [index, node] of nodes.entries()) {
        const next = nodes[index + 1];
        if (next !== undefined) node.contacts.add(next);
      }
    else acquaint(this.world, { type: 'mesh' });
    for (const node of nodes) this.world.boot(node);
    return this.run(1_000);
  }

  run(ms: number): this {
    this.world.runUntil(this.world.nowMs + ms);
    return this.check();
  }

  publish(node: SimNode, topic: string, text: string): void {
    this.world.submit(node, parseTopic(topic), new TextEncoder().encode(text));
  }

  /** Parts nodes from the others until the returned function is called. `silently`: links stay up, and nothing passes. */
  part(nodes: readonly SimNode[], silently = false): () => void {
    const [inside, outside] = [new Set(nodes), new Set(this.nodes.filter((node) => !nodes.includes(node)))];
    const cuts = [
      { from: inside, to: outside },
      { from: outside, to: inside },
    ];
    const names = nodes.map(nameOf).join(' and ');
    this.world.note(`the network parts ${names} from the rest${silently ? ', and nobody notices' : ''}`);
    for (const cut of cuts) this.world.cut(cut, silently);
    return () => {
      this.world.note('the network heals');
      for (const cut of cuts) this.world.wire.heal(cut);
    };
  }

  /** The next frame for which `isIt` holds is lost. */
  loseNext(isIt: (message: GossipMessage, from: SimNode, to: SimNode) => boolean): void {
    this.world.dropsFrame = (from, to) => {
      const row = this.recorder.rows.at(-1);
      const isLost =
        row?.type === 'frame' && row.from === from && row.to === to && isIt(row.message, from, to);
      if (isLost) this.world.dropsFrame = undefined;
      return isLost;
    };
  }

  /** Fails where a checker found something: an entry that never came is told first, for it is what users see. */
  check(): this {
    const { all } = this.#violations;
    const first = all.find(({ invariant }) => invariant === 'liveness') ?? all[0];
    if (first !== undefined && this.#options.isJudged !== false) this.#fail(first, all);
    return this;
  }

  /** Lets all become equal within so many rounds of 5 s; fails where they do not. */
  converge(rounds = 8): this {
    settle(this.world, { violations: this.#violations, statistics: this.#statistics }, rounds);
    return this.check();
  }

  /** Fails the step with what happened, of the frames that `concerns` picks. */
  fail(message: string, concerns: (row: RecordedRow) => boolean = () => true, untilRow = Infinity): never {
    const rows = this.recorder.rows.slice(0, untilRow).filter(concerns);
    throw new StepFailure(`seed ${this.#options.seed}: ${message}`, this.draw(rows));
  }

  draw(rows: readonly RecordedRow[] = this.recorder.rows): string[] {
    const half = Math.ceil(ROWS_SHOWN / 2);
    // A line that says that one is left out would be as long as that one.
    const isLong = rows.length > 2 * half + 1;
    const names = this.nodes.map(nameOf);
    const [head, ...first] = drawSequence(names, this.recorder.diagram(isLong ? rows.slice(0, half) : rows));
    if (!isLong) return [head ?? '', ...first];
    const [, ...last] = drawSequence(names, this.recorder.diagram(rows.slice(-half)));
    return [head ?? '', ...first, `      ⋮ ${rows.length - 2 * half} more`, ...last];
  }

  delivered(node: SimNode, topic: string): string[] {
    const ids = [...node.disk.delivered(topic as Topic)];
    return ids.map((id) => this.recorder.entry(this.world.ledger.get(id)!.name));
  }

  #fail({ invariant, node, detail, atMs }: Violation, all: readonly Violation[]): never {
    const named = REWORDED.reduce((text, [from, to]) => text.replace(from, to), detail);
    const words = named.replaceAll(/\b(?:n(\d)|([0-9a-f]{8}))\b/g, (text, index?: string, id?: string) =>
      index === undefined ? this.#entryOf(id ?? text) : this.#nameOf(Number(index)),
    );
    const [firstLine = '', ...stack] = words.split('\n');
    const meaning = MEANING[invariant] ?? invariant;
    const message = `${meaning} (${invariant}): ${this.#nameOf(Number(node.slice(1)))} ${firstLine}`;
    const lacking = invariant === 'liveness' ? this.#firstLacking(Number(node.slice(1))) : undefined;
    const rows = this.recorder.rows.filter((row) =>
      lacking === undefined ? row.atMs <= atMs : this.#concerns(row, lacking),
    );
    const own = stack.filter((line) => line.includes('.ts:') && !line.includes('/src/'));
    const where = own.slice(0, 3).map((line) => line.trim().replace(checkout, ''));
    throw new StepFailure(`seed ${this.#options.seed}: ${message}`, [
      ...where,
      ...(lacking === undefined ? [] : this.#others(invariant, all)),
      ...this.draw(rows),
    ]);
  }

  /** What else was broken, once each. */
  #others(invariant: string, all: readonly Violation[]): string[] {
    const others = new Map(
      all.filter((other) => other.invariant !== invariant).map((other) => [other.invariant, other]),
    );
    return Array.from(
      others.values(),
      (other) => `also: ${MEANING[other.invariant] ?? ''} (${other.invariant})`,
    );
  }

  /** The name of an entry that a checker told by the first digits of its id. */
  #entryOf(prefix: string): string {
    for (const { disk, topics } of this.nodes)
      for (const topic of topics)
        for (const id of disk.ids(topic))
          if (id.startsWith(prefix)) return this.recorder.entry(this.world.ledger.get(id)!.name);
    return prefix;
  }

  #nameOf(index: number): string {
    return nameOf(this.nodes[index]);
  }

  #firstLacking(index: number): EntryName | undefined {
    const node = this.nodes[index]!;
    for (const other of this.nodes)
      for (const topic of node.topics)
        for (const id of other.disk.delivered(topic))
          if (!node.disk.delivered(topic).has(id)) return this.world.ledger.get(id)?.name;
    return undefined;
  }

  #concerns(row: RecordedRow, name: EntryName): boolean {
    const words = this.recorder.entry(name);
    if (row.type === 'note')
      return (
        row.node === undefined ||
        new RegExp(`${words}(?!\\d)`).test(row.text) ||
        row.text.startsWith('throws')
      );
    return (
      row.message.type === 'AntiEntropy' ||
      row.message.type === 'Subscribe' ||
      isAbout(row, this.recorder, words)
    );
  }
}

/** Whether a frame names or carries an entry, `A/3`. */
export function isAbout(row: RecordedFrame, recorder: Recorder, entry: string): boolean {
  const { message } = row;
  if (message.type === 'PullRequest') return message.missing.some((name) => recorder.entry(name) === entry);
  return ` ${recorder.words(row)} `.includes(` ${entry} `);
}
