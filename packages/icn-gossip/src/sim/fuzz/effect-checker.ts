import type { Did } from '@icn/identity';
import { PROTOCOL, type GossipLimits } from '../../limits.js';
import type { GossipEffect, GossipEvent } from '../../events.js';
import type { Observer } from '../observer.js';
import type { SimNode } from '../sim-node.js';
import type { Violations } from '../violations.js';

/** What one node was told and has ordered in its present life. */
interface Life {
  readonly up: Set<Did>;
  readonly protects: Map<Did, number>;
  readonly waitingRefs: Set<number>;
  lastWrite: number;
  lastLoad: number;
  connectCount: number;
  readonly startedAtMs: number;
}

/**
 * Checks that the effects of honest machines are well formed: what a driver may rely on, whatever peers send. That
 * frames decode is checked by `SpeechChecker`, that positions are dense by `DeliveryChecker` and the disk.
 */
export class EffectChecker implements Observer {
  readonly #violations: Violations;
  readonly #limits: GossipLimits;
  readonly #lives = new Map<SimNode, Life>();

  constructor(violations: Violations, limits: GossipLimits) {
    this.#violations = violations;
    this.#limits = limits;
  }

  booted(node: SimNode, nowMs: number): void {
    this.#lives.set(node, {
      up: new Set(),
      protects: new Map(),
      waitingRefs: new Set(),
      lastWrite: 0,
      lastLoad: 0,
      connectCount: 0,
      startedAtMs: nowMs,
    });
  }

  told(node: SimNode, event: GossipEvent): void {
    const life = this.#lives.get(node);
    if (event.type === 'peer-up') life?.up.add(event.peer);
    if (event.type === 'peer-down') life?.up.delete(event.peer);
    if (event.type === 'submitted') life?.waitingRefs.add(event.ref);
  }

  ordered(node: SimNode, effect: GossipEffect, nowMs: number): void {
    const life = this.#lives.get(node);
    if (!node.isHonest || life === undefined) return;
    const fault = this.#faultOf(effect, life, node, nowMs);
    if (fault !== undefined) this.#violations.add('effects', node, `${effect.type}: ${fault}`, nowMs);
  }

  /** Every submission that was told in this life is answered by now. */
  checkAnswered(nodes: readonly SimNode[], nowMs: number): void {
    for (const node of nodes) {
      const refs = [...(this.#lives.get(node)?.waitingRefs ?? [])];
      if (node.isUp && refs.length > 0)
        this.#violations.add('effects', node, `never answers submission ${refs.join(' ')}`, nowMs);
    }
  }

  #faultOf(effect: GossipEffect, life: Life, node: SimNode, nowMs: number): string | undefined {
    switch (effect.type) {
      case 'send':
        return sendFault(effect, life, node);
      case 'persist':
        if (effect.write !== ++life.lastWrite) return `number ${effect.write} is not ${life.lastWrite}`;
        return effect.writes.length > 0 ? undefined : 'writes nothing';
      case 'load':
        if (effect.load !== ++life.lastLoad) return `number ${effect.load} is not ${life.lastLoad}`;
        if (effect.ids.length > 0 && effect.bytesMax > 0) return undefined;
        return `${effect.ids.length} ids within ${effect.bytesMax} bytes`;
      case 'acknowledge':
      case 'reject':
        return life.waitingRefs.delete(effect.ref) ? undefined : `${effect.ref} waits for no answer`;
      case 'connect':
        return this.#connectFault(effect.peer, life, node, nowMs);
      case 'disconnect':
        return life.up.delete(effect.peer) ? undefined : `${effect.peer} is not up`;
      case 'protect':
        life.protects.set(effect.peer, (life.protects.get(effect.peer) ?? 0) + 1);
        return effect.peer === node.did ? 'protects itself' : undefined;
      case 'release': {
        const count = (life.protects.get(effect.peer) ?? 0) - 1;
        life.protects.set(effect.peer, count);
        return count < 0 ? `${effect.peer} is not protected` : undefined;
      }
      case 'deliver':
      case 'withdraw':
        return Number.isSafeInteger(effect.position) && effect.position > 0 ? undefined : 'has no position';
    }
  }

  /** Clocks of nodes may jump, which refills their buckets; so only a connect without end is found. */
  #connectFault(peer: Did, life: Life, node: SimNode, nowMs: number): string | undefined {
    if (peer === node.did) return 'connects to itself';
    const { connectsBurstMax, connectsPerSecond } = this.#limits;
    const allowed = connectsBurstMax * 8 + ((nowMs - life.startedAtMs) / 1_000) * connectsPerSecond;
    return ++life.connectCount > allowed ? `${life.connectCount} of them` : undefined;
  }
}

function sendFault(
  { to, frame, priority }: Extract<GossipEffect, { type: 'send' }>,
  { up }: Life,
  node: SimNode,
): string | undefined {
  if (frame.length > PROTOCOL.frameBytesMax) return `a frame of ${frame.length} bytes`;
  if (to.length === 0 || new Set(to).size < to.length) return `to ${to.length} peers, or to one twice`;
  const stranger = to.find((did) => did === node.did || !up.has(did));
  if (stranger !== undefined) return `a ${priority} frame to ${stranger}, which is not up`;
  return undefined;
}
