import { didFromPublicKey, keyPairFromSeed, type Did } from '@icn/identity';
import { PROTOCOL } from '../../limits.js';
import type { Topic } from '../../topic.js';
import type { SeededRandom } from '../seeded-random.js';
import type { SimNode } from '../sim-node.js';
import type { World } from '../world.js';
import type { FrameMill } from './frame-mill.js';
import { FUZZ_TOPICS } from './record-corpus.js';
import type { Unevenness } from './uneven-driver.js';

export interface CommandOptions {
  readonly world: World;
  readonly random: SeededRandom;
  readonly victim: SimNode;
  readonly moods: ReadonlyMap<SimNode, Unevenness>;
  readonly mill: FrameMill;
  /** Whether nodes lose what is not on disk; without, they live as long as the run, and what they retain is seen. */
  readonly hasCrashes: boolean;
}

type Command = (node: SimNode) => void;

/** Peers that are told of as up, and are no nodes (guess). */
const GHOSTS = 40;
/** Old backups are put back seldom: after one the checkers expect less of the node. */
const ROLLBACK_SHARE = 0.1;

/** What operators, drivers and the world do to nodes, at random. */
export class Commands {
  readonly #options: CommandOptions;
  /** How often each was given. */
  readonly counts: Record<string, number> = {};
  readonly #commands: readonly (readonly [name: string, weight: number, command: Command])[];
  /** Topics that nodes have left and not joined again. */
  readonly #left = new Map<SimNode, Set<Topic>>();

  constructor(options: CommandOptions) {
    this.#options = options;
    this.#commands = [
      ['submit', 40, (node) => this.#submit(node)],
      ['leave', 5, (node) => this.#leave(node)],
      ['rejoin', 6, (node) => this.#rejoin(node)],
      ['close-link', 5, (node) => this.#closeLink(node)],
      ['ghost-up', 8, (node) => this.#tellOfGhost(node, 'peer-up')],
      ['ghost-down', 7, (node) => this.#tellOfGhost(node, 'peer-down')],
      ['ghost-speaks', 8, (node) => this.#ghostSpeaks(node)],
      ['peer-up-again', 2, (node) => this.#peerUpAgain(node)],
      ['unreachable', 4, (node) => this.#unreachable(node)],
      ['woke', 6, (node) => options.world.tell(node, { type: 'woke' })],
      ['clock-jump', 1, (node) => this.#jump(node)],
      ...(options.hasCrashes
        ? ([
            ['crash', 3, (node: SimNode) => this.#crash(node)],
            ['twin-met', 0.2, (node: SimNode) => options.world.tell(node, { type: 'twin-met' })],
          ] as const)
        : []),
    ];
  }

  /** Gives one command: to the victim as often as to all others. */
  give(): void {
    const { random, world, victim } = this.#options;
    const node = random.chance(0.5) ? victim : random.pick(world.honest);
    let weight = random.float() * this.#commands.reduce((sum, [, each]) => sum + each, 0);
    for (const [name, each, command] of this.#commands) {
      weight -= each;
      if (weight > 0) continue;
      this.counts[name] = (this.counts[name] ?? 0) + 1;
      if (node.isUp) command(node);
      return;
    }
  }

  /** Everybody who was told of ghosts hears that they are gone; who left is back, and who is down starts. */
  calm(): void {
    const { world } = this.#options;
    for (const node of world.honest) {
      world.boot(node);
      for (const ghost of ghosts()) world.tell(node, { type: 'peer-down', peer: ghost });
      for (const topic of this.#left.get(node) ?? []) this.#rejoinTopic(node, topic);
    }
  }

  #submit(node: SimNode): void {
    const { random, world } = this.#options;
    const { payloadBytesMax } = PROTOCOL;
    const topic = random.chance(0.97) ? random.pick(FUZZ_TOPICS) : ('never-joined' as Topic);
    const byteCount = random.chance(0.03)
      ? random.pick([payloadBytesMax, payloadBytesMax + 1, 5_000])
      : random.pick([0, 1, 20, 300]);
    const payloads = Array.from({ length: random.chance(0.1) ? 20 : 1 }, () => random.bytes(byteCount));
    if (random.chance(0.5)) world.submit(node, topic, ...payloads);
    else for (const payload of payloads) world.submit(node, topic, payload);
  }

  #leave(node: SimNode): void {
    const { random, world } = this.#options;
    const topic = random.pick(FUZZ_TOPICS);
    const left = this.#left.get(node) ?? new Set<Topic>();
    this.#left.set(node, left.add(topic));
    world.tell(node, { type: 'left', topic });
  }

  /** Later, when all that was ordered before the topic was left is on disk: a driver reads its store then. */
  #rejoin(node: SimNode): void {
    for (const topic of this.#left.get(node) ?? []) this.#rejoinTopic(node, topic);
  }

  #rejoinTopic(node: SimNode, topic: Topic): void {
    const { world } = this.#options;
    this.#left.get(node)?.delete(topic);
    world.after(node, Math.max(0, node.diskFreeAtMs - world.nowMs) + 1, () => {
      if (this.#left.get(node)?.has(topic) === true) return;
      const isJoined = node.machine?.status?.().some((status) => status.topic === topic);
      if (isJoined === false) world.join(node, topic);
    });
  }

  #closeLink(node: SimNode): void {
    const { random, world } = this.#options;
    const links = [...node.links.values()];
    if (links.length > 0) world.swarm.close(random.pick(links), node);
  }

  #tellOfGhost(node: SimNode, type: 'peer-up' | 'peer-down'): void {
    this.#options.world.tell(node, { type, peer: this.#options.random.pick(ghosts()) });
  }

  #ghostSpeaks(node: SimNode): void {
    const { random, world, mill } = this.#options;
    const from = random.pick(ghosts());
    for (let count = random.below(4); count >= 0; count--)
      world.tell(node, { type: 'received', from, frame: mill.next().frame });
  }

  #peerUpAgain(node: SimNode): void {
    const { random, world } = this.#options;
    const links = [...node.links.values()].filter(({ openedAtMs }) => openedAtMs + 100 < world.nowMs);
    if (links.length > 0) world.tell(node, { type: 'peer-up', peer: random.pick(links).other(node).did });
  }

  #unreachable(node: SimNode): void {
    const { random, world } = this.#options;
    const dids = [...ghosts(), ...world.nodes.map(({ did }) => did)];
    world.tell(node, { type: 'unreachable', peer: random.pick(dids) });
  }

  #jump(node: SimNode): void {
    const { random, moods } = this.#options;
    const mood = moods.get(node);
    if (mood !== undefined) mood.jumpMs += random.pick([1, 1_000, 60_000, 3_600_000]);
  }

  #crash(node: SimNode): void {
    const { random, world } = this.#options;
    const mark = random.chance(ROLLBACK_SHARE) ? node.disk.mark() : undefined;
    const downMs = random.pick([1, 100, 3_000]);
    const crash = () => {
      if (!node.isUp) return;
      world.crash(node);
      if (mark !== undefined) world.rollBack(node, mark);
      this.#left.delete(node);
      world.at(world.nowMs + downMs, () => world.boot(node));
    };
    // The disk is put back to what it was before what comes now.
    world.at(world.nowMs + (mark === undefined ? 0 : random.below(5_000)), crash);
  }
}

let ghostDids: readonly Did[] | undefined;

function ghosts(): readonly Did[] {
  return (ghostDids ??= Array.from({ length: GHOSTS }, (_, index) =>
    didFromPublicKey(keyPairFromSeed(new Uint8Array(32).fill(index + 10)).publicKey),
  ));
}
