import type { DiskMark } from './disk.js';
import { drawMs, type Distribution } from './distribution.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimNode } from './sim-node.js';
import type { LinkConditions } from './wire.js';
import type { World } from './world.js';

/** What goes wrong, how often and how long. Shares are of all nodes. */
export interface FaultPlan {
  /** The faults begin at once and end after so long. */
  readonly durationMs: number;
  /** While they last. */
  readonly links: Partial<LinkConditions>;
  /** Nodes that crash and start again, each once or twice. */
  readonly churnShare: number;
  readonly downMs: Distribution;
  /** Of those that crash, how many come back with an old backup of their disk. */
  readonly rollbackCount: number;
  /** Nodes that start only while the faults last. */
  readonly lateShare: number;
  /**
   * In this order, overlapping: `two-way` cuts the nodes in two halves; `one-way` lets frames of one half be lost, and
   * links end as in a real cut; `deaf` the same on links that stay up.
   */
  readonly partitions: readonly ('two-way' | 'one-way' | 'deaf')[];
}

/** Breaks a world by a plan, all drawn from one seed, and mends it again. */
export class Nemesis {
  readonly #world: World;
  readonly #plan: FaultPlan;
  readonly #random: SeededRandom;
  readonly #calm: LinkConditions;
  #isOver = false;

  constructor(world: World, plan: FaultPlan) {
    this.#world = world;
    this.#plan = plan;
    this.#random = world.random.fork('nemesis');
    this.#calm = world.wire.conditions;
  }

  /** Schedules all faults. Nodes that are not drawn as late are up already; `late` says which are to be. */
  begin(): void {
    const world = this.#world;
    world.note('faults begin');
    world.wire.conditions = { ...this.#calm, ...this.#plan.links };
    for (const node of world.nodes) if (!node.isUp) this.#at(this.#moment(0, 0.8), () => world.boot(node));
    this.#churn();
    for (const [index, kind] of this.#plan.partitions.entries()) this.#partition(index, kind);
  }

  /** Nodes that start late: never the first, which the others know. */
  static late(world: World, share: number): ReadonlySet<SimNode> {
    const others = world.nodes.slice(1);
    return new Set(world.random.fork('late').sample(others, Math.floor(share * world.nodes.length)));
  }

  /** Ends all faults: links carry everything, cuts heal, and who is down starts. */
  end(): void {
    this.#isOver = true;
    const world = this.#world;
    world.note('faults end');
    world.wire.conditions = this.#calm;
    world.wire.healAll();
    for (const node of world.nodes) world.boot(node);
  }

  #churn(): void {
    const { churnShare, rollbackCount } = this.#plan;
    const random = this.#random.fork('churn');
    const count = Math.max(1, Math.round(churnShare * this.#world.nodes.length));
    for (const [index, node] of random.sample(this.#world.nodes, count).entries()) {
      if (index < rollbackCount) this.#rollBack(node, random);
      else
        for (let times = 1 + random.below(2); times > 0; times--) this.#crash(node, random, () => undefined);
    }
  }

  #rollBack(node: SimNode, random: SeededRandom): void {
    let mark: DiskMark | undefined;
    this.#at(random.between(0.1, 0.4) * this.#plan.durationMs, () => (mark = node.disk.mark()));
    this.#crash(node, random, () => mark, 0.5);
  }

  #crash(node: SimNode, random: SeededRandom, backup: () => DiskMark | undefined, earliest = 0.1): void {
    const crashMs = random.between(earliest, 0.9) * this.#plan.durationMs;
    const downMs = drawMs(this.#plan.downMs, random);
    this.#at(crashMs, () => {
      if (!node.isUp) return;
      this.#world.crash(node);
      const mark = backup();
      if (mark !== undefined) this.#world.rollBack(node, mark);
      this.#at(downMs, () => this.#world.boot(node));
    });
  }

  #partition(index: number, kind: FaultPlan['partitions'][number]): void {
    const random = this.#random.fork(`partition ${index}`);
    const { durationMs, partitions } = this.#plan;
    const share = durationMs / (partitions.length + 1);
    const startMs = share * (index + random.between(0.1, 0.6));
    // Up to one and a half shares, so that two may overlap.
    const lengthMs = share * random.between(0.4, 1.5);
    const nodes = random.shuffled(this.#world.nodes);
    const half = Math.max(1, Math.floor(nodes.length * random.between(0.2, 0.5)));
    const [from, to] = [new Set(nodes.slice(0, half)), new Set(nodes.slice(half))];
    const cuts =
      kind === 'two-way'
        ? [
            { from, to },
            { from: to, to: from },
          ]
        : [{ from, to }];
    this.#at(startMs, () => {
      this.#world.note(`${kind} cut of ${[...from].map(({ label }) => label).join(' ')}`);
      for (const cut of cuts) this.#world.cut(cut, kind === 'deaf');
    });
    this.#at(Math.min(startMs + lengthMs, durationMs), () => {
      this.#world.note(`${kind} cut heals`);
      for (const cut of cuts) this.#world.wire.heal(cut);
    });
  }

  #moment(from: number, to: number): number {
    return this.#random.between(from, to) * this.#plan.durationMs;
  }

  /** So long from now, unless the faults are over by then. */
  #at(delayMs: number, action: () => void): void {
    this.#world.at(this.#world.nowMs + delayMs, () => {
      if (!this.#isOver) action();
    });
  }
}
