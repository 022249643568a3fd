import { limitsWith, type GossipLimits } from '../../limits.js';
import type { Reconcile } from '../../topic/topic-context.js';
import { acquaint } from '../acquaintance.js';
import { DeliveryChecker } from '../checkers/delivery-checker.js';
import { EntryChecker } from '../checkers/entry-checker.js';
import { SpeechChecker } from '../checkers/speech-checker.js';
import { gossipMachine } from '../gossip-machine.js';
import { settle } from '../quiet.js';
import { SeededRandom } from '../seeded-random.js';
import type { SimNode } from '../sim-node.js';
import { Statistics } from '../statistics.js';
import { Trace } from '../trace.js';
import { Violations, type Violation } from '../violations.js';
import { World } from '../world.js';
import { Attack } from './attack.js';
import { Commands } from './commands.js';
import { Corpus } from './corpus.js';
import { EffectChecker } from './effect-checker.js';
import { FrameMill, type Craft } from './frame-mill.js';
import { Outcomes } from './outcomes.js';
import { FUZZ_TOPICS } from './record-corpus.js';
import { unevenMachine, type Unevenness } from './uneven-driver.js';

/**
 * What a world is like: `open` with room for everything, so that in the end all must hold the same; `tight` with all
 * tables small and full, where nodes need not agree, and live as long as the run, so that what they retain is seen.
 */
export type Climate = 'open' | 'tight';

export interface EpisodeOptions {
  readonly seed: number;
  /** The number of the episode in the run: with the seed it decides everything. */
  readonly episode: number;
  readonly climate: Climate;
  readonly frames: number;
  /** What was recorded before, by `recordCorpus(seed)`. */
  readonly corpus: Corpus;
  /** So many of the hostile frames, the first ones, are made and not sent. Default: 0. */
  readonly silentFrames?: number;
  /** Gets every line of the trace. */
  readonly print?: (line: string) => void;
  /** Bytes in use after a collection; where it is given, it is asked now and then how much a node retains. */
  readonly heapBytes?: () => number;
  /** Milliseconds of a steady clock, to find what is slow; nothing else depends on it. */
  readonly steadyMs?: () => number;
}

/** What came of one episode, as plain data. */
export interface EpisodeReport {
  readonly episode: number;
  readonly climate: Climate;
  readonly frames: number;
  readonly crafts: Readonly<Record<Craft, number>>;
  /** What honest nodes made of hostile frames: names of drops, or `taken`. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly commands: Readonly<Record<string, number>>;
  /** The most that one event made a node send. */
  readonly sentBytesMax: number;
  readonly slowestMs: number;
  readonly slowest: string;
  /** Of the victim, at the end; null where nobody measures it. */
  readonly retainedBytes: number | null;
  /** Heap in use at the quarters of the attack; empty where nobody measures it. */
  readonly heapBytes: readonly number[];
  readonly violations: readonly Violation[];
  /** Hostile frames that had been made when the first invariant broke. */
  readonly brokenAtFrame: number | null;
  readonly lastLines: readonly string[];
}

const HONEST = 4;
const ATTACKERS = 2;
const WARM_UP_MS = 4_000;
/** Between two commands, on average (guess). */
const COMMAND_MS = 150;
const QUARTERS = 4;
const RECONCILE: readonly Reconcile[] = ['auto', 'clock', 'sketch', 'bloom'];

/** Waits are short, so that within a minute each passes often; and half of all rounds are looked at, or nearly none. */
const QUICK: Partial<GossipLimits> = {
  antiEntropyIntervalMs: 2_000,
  pullTimeoutMs: 1_000,
  causalWaitMs: 3_000,
  shuffleIntervalMs: 3_000,
  neighborRetryMs: 1_000,
  connectTimeoutMs: 3_000,
  allEagerPeersMax: 2,
  activeViewMin: 2,
  activeViewMax: 4,
};

const TIGHT: Partial<GossipLimits> = {
  topicsMax: 3,
  entriesPerTopicMax: 300,
  logsPerTopicMax: 20,
  parkedPerLogMax: 4,
  submissionsWaitingMax: 4,
  wantsPerRequestMax: 4,
  wantsPerPeerMax: 16,
  responseBytesMax: 2_000,
  responseEntriesMax: 8,
  servesPerPeerMax: 2,
  heldBytesMax: 20_000,
  idsPerFilterMax: 16,
  announcementsPerRoundMax: 8,
  passiveViewMax: 4,
};

/** One world from its beginning to its end. Equal options give equal reports, but for what is measured of the process. */
export function runEpisode(options: EpisodeOptions): EpisodeReport {
  return new Episode(options).run();
}

class Episode {
  readonly #options: EpisodeOptions;
  readonly #random: SeededRandom;
  readonly #world: World;
  readonly #trace: Trace;
  readonly #violations: Violations;
  readonly #effects: EffectChecker;
  readonly #statistics: Statistics;
  readonly #attack: Attack;
  readonly #outcomes: Outcomes;
  readonly #commands: Commands;
  readonly #moods = new Map<SimNode, Unevenness>();
  readonly #heap: number[] = [];
  #lastLines: readonly string[] = [];
  #brokenAtFrame: number | null = null;

  constructor(options: EpisodeOptions) {
    this.#options = options;
    this.#random = new SeededRandom(`${options.seed}/fuzz/${options.episode}`);
    const limits = this.#drawLimits();
    const world = new World({
      seed: this.#random.fork('world').uint32(),
      machineOf: gossipMachine({ limits }),
      topics: FUZZ_TOPICS,
      links: { lossRate: 0.01, duplicationRate: 0.01, reorderRate: 0.05 },
      diskMs: { type: 'uniform', minMs: 0, maxMs: 30 },
    });
    this.#world = world;
    this.#violations = new Violations(() => this.#broke());
    this.#trace = new Trace(world, options.print);
    this.#effects = new EffectChecker(this.#violations, limitsWith(limits));
    this.#statistics = new Statistics(world);
    this.#addHonest(limits);
    const spied = new Corpus();
    const mill = new FrameMill(this.#random.fork('mill'), world.network, [options.corpus, spied]);
    const victim = world.nodes[0]!;
    this.#attack = new Attack({
      mill,
      random: this.#random.fork('attack'),
      victim: victim.did,
      framesMax: options.frames,
      silentFrames: options.silentFrames ?? 0,
    });
    this.#outcomes = new Outcomes(this.#attack, options.steadyMs);
    const machineOf = this.#attack.machineOf(gossipMachine({ limits }));
    for (let count = 0; count < ATTACKERS; count++) world.add({ isHonest: false, machineOf });
    this.#commands = new Commands({
      world,
      random: this.#random.fork('commands'),
      victim,
      moods: this.#moods,
      mill,
      hasCrashes: options.climate === 'open',
    });
    world.observe(this.#trace, this.#outcomes, this.#statistics, this.#effects, spied);
    world.observe(
      new EntryChecker(world, this.#violations, { checksOnce: options.climate === 'open' }),
      new SpeechChecker(world, this.#violations, { checksRoots: options.climate === 'open' }),
      new DeliveryChecker(world, this.#violations),
    );
  }

  run(): EpisodeReport {
    try {
      this.#live();
    } catch (error) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#violations.add('fuzzer', this.#world.nodes[0]!, detail, this.#world.nowMs);
    }
    const { episode, climate } = this.#options;
    return {
      episode,
      climate,
      frames: this.#attack.frameCount,
      crafts: this.#attack.crafts,
      ...this.#outcomes.report(),
      commands: this.#commands.counts,
      retainedBytes: this.#retainedBytes(),
      heapBytes: this.#heap,
      violations: this.#violations.all,
      brokenAtFrame: this.#brokenAtFrame,
      lastLines: this.#lastLines,
    };
  }

  #live(): void {
    const world = this.#world;
    acquaint(world, { type: 'mesh' });
    for (const node of world.honest) world.boot(node);
    world.runUntil(WARM_UP_MS);
    for (const node of world.nodes) world.boot(node);
    world.note('attack begins');
    for (const mood of this.#moods.values()) mood.isOn = true;
    this.#command();
    for (let quarter = 1; quarter <= QUARTERS && !this.#isBroken; quarter++) {
      const frames = (quarter / QUARTERS) * this.#options.frames;
      const isDone = () => this.#isBroken || this.#attack.frameCount >= frames;
      // Attackers whose links are all closed send nothing for a while; who never comes back is a fault of the fuzzer.
      world.runUntil(world.nowMs + 60_000 + 100 * this.#options.frames, isDone);
      this.#heap.push(...(this.#options.heapBytes === undefined ? [] : [this.#options.heapBytes()]));
    }
    if (this.#isBroken) return;
    if (!this.#attack.isOver) throw new Error('the attackers fell silent');
    this.#calm();
  }

  /** The attackers are gone and all honest nodes are there: now they must come to hold the same. */
  #calm(): void {
    const world = this.#world;
    for (const node of world.nodes) if (!node.isHonest) world.crash(node);
    for (const mood of this.#moods.values()) mood.isOn = false;
    world.wire.conditions = { ...world.wire.conditions, lossRate: 0, duplicationRate: 0, reorderRate: 0 };
    world.note('attack ends');
    // Backups that were to be put back, and nodes that were to start, have done so by then.
    world.runUntil(world.nowMs + 9_000);
    this.#commands.calm();
    world.runUntil(world.nowMs + 1_000);
    for (const node of world.honest) world.submit(node, FUZZ_TOPICS[0]!, new Uint8Array(3));
    if (this.#options.climate === 'open')
      settle(world, { violations: this.#violations, statistics: this.#statistics });
    else world.runUntil(world.nowMs + 20_000);
    this.#effects.checkAnswered(world.honest, world.nowMs);
  }

  #command(): void {
    const { nowMs } = this.#world;
    this.#world.at(nowMs + COMMAND_MS * this.#random.between(0, 2), () => {
      if (this.#attack.isOver) return;
      this.#commands.give();
      this.#command();
    });
  }

  #addHonest(limits: Partial<GossipLimits>): void {
    for (let index = 0; index < HONEST; index++) {
      const mood: Unevenness = {
        random: this.#random.fork(`driver ${index}`),
        isOn: false,
        jumpMs: 0,
        fault: (detail) => this.#violations.add('effects', node, detail, this.#world.nowMs),
        handled: (event, effects, machine) => this.#outcomes.handled(event, effects, machine),
      };
      const inner = gossipMachine({ limits, reconcile: this.#random.pick(RECONCILE) });
      const node: SimNode = this.#world.add({ machineOf: unevenMachine(inner, mood) });
      this.#moods.set(node, mood);
    }
  }

  #drawLimits(): Partial<GossipLimits> {
    const random = this.#random.fork('limits');
    return {
      ...QUICK,
      ...(this.#options.climate === 'tight' ? TIGHT : { wantsPerPeerMax: 512 }),
      ...(random.chance(0.5) ? { roundsPerSecond: 1_000, roundsBurstMax: 1_000 } : {}),
      ...(random.chance(0.5) ? { overlayPerSecond: 1_000, overlayBurstMax: 1_000 } : {}),
      pushBatchMs: random.pick([0, 0, 20]),
    };
  }

  get #isBroken(): boolean {
    return this.#violations.count > 0;
  }

  #broke(): void {
    this.#lastLines = this.#trace.lastLines();
    this.#brokenAtFrame = this.#attack.frameCount;
  }

  /** What goes when the victim's machine does. */
  #retainedBytes(): number | null {
    const { heapBytes } = this.#options;
    const [victim] = this.#world.nodes;
    if (heapBytes === undefined || victim?.isUp !== true) return null;
    const before = heapBytes();
    victim.machine = undefined;
    return before - heapBytes();
  }
}
