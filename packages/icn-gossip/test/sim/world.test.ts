import { describe, expect, it } from '@jest/globals';
import type { GossipEvent } from '../../src/events.js';
import { simulate, SCENARIOS, World, type WorldOptions } from '../../src/sim/index.js';
import { corrupted, scripted, sendTo, startMesh, TOPIC, watchedWorld } from './scripted.js';
import { text } from '../fixtures.js';

/** A world of machines that only take down what they are told. */
function listeningWorld(count: number, options: Partial<WorldOptions> = {}) {
  const heard: string[][] = [];
  const machineOf = scripted((event, nowMs, { index }) => {
    (heard[index] ??= []).push(`${nowMs} ${wordsOf(event)}`);
    return [];
  });
  const world = new World({ seed: 1, machineOf, topics: [], ...options });
  for (let index = 0; index < count; index++) world.add();
  for (const node of world.nodes) world.boot(node);
  const wordsOf = (event: GossipEvent): string => {
    if (event.type === 'received') return `received ${world.nodeOf(event.from)!.label} ${event.frame.join()}`;
    if ('peer' in event) return `${event.type} ${world.nodeOf(event.peer)?.label ?? 'nobody'}`;
    return event.type;
  };
  const say = (from: number, to: number, ...bytes: number[]) => {
    const [sender, receiver] = [world.nodes[from]!, world.nodes[to]!];
    const frame = Uint8Array.from(bytes);
    const connection = sender.links.get(receiver.did)!;
    for (const atMs of world.wire.carry(connection, sender, frame.length, 'control', world.nowMs))
      world.at(atMs, () => {
        if (connection.isUpAt(receiver)) world.tell(receiver, { type: 'received', from: sender.did, frame });
      });
  };
  return { world, heard, say };
}

describe('a world is a function of its seed', () => {
  const linesOf = (seed: number) => {
    const lines: string[] = [];
    const report = simulate(SCENARIOS.get('faults')!, {
      seed,
      nodeCount: 6,
      print: (line) => lines.push(line),
    });
    return { lines: lines.join('\n'), report };
  };
  const once = linesOf(3);

  it('equal seeds give equal traces, byte for byte, and equal reports', () => {
    const again = linesOf(3);
    expect(once.lines.length).toBeGreaterThan(10_000);
    expect(once.lines === again.lines).toBe(true);
    expect(once.report).toEqual(again.report);
  });

  it('other seeds give other traces', () => {
    expect(once.lines === linesOf(4).lines).toBe(false);
  });

  it('survives the clone that sends a report to another process', () => {
    expect(JSON.parse(JSON.stringify(once.report))).toEqual(once.report);
  });
});

describe('connections', () => {
  it('come up at the dialler first, and carry frames one latency later', () => {
    const { world, heard, say } = listeningWorld(2);
    world.swarm.open(world.nodes[0]!, world.nodes[1]!);
    world.runUntil(10);
    say(0, 1, 7);
    world.runUntil(20);
    expect(heard).toEqual([['0 peer-up n1'], ['5 peer-up n0', '15 received n0 7']]);
  });

  it('carry nothing of the one before', () => {
    const { world, heard, say } = listeningWorld(2);
    const [a, b] = world.nodes;
    world.swarm.open(a!, b!);
    world.runUntil(10);
    say(0, 1, 7);
    world.swarm.open(a!, b!);
    world.runUntil(30);
    expect(heard[1]).toEqual(['5 peer-up n0', '10 peer-down n0', '15 peer-up n0']);
  });

  it('are dialled on `connect`, which fails where nobody answers', () => {
    const machineOf = scripted((event, _, { index }) => {
      if (index === 0 && event.type === 'joined')
        return world.nodes.slice(1).map((node) => ({ type: 'connect' as const, peer: node.did }));
      if (event.type === 'peer-up' || event.type === 'unreachable')
        told.push([index, event.type, world.nowMs]);
      return [];
    });
    const told: [number, string, number][] = [];
    const world = new World({ seed: 1, machineOf, topics: [TOPIC] });
    for (let index = 0; index < 4; index++) world.add();
    const [a, b, c, d] = world.nodes;
    world.boot(b!);
    world.boot(d!);
    world.cut({ from: new Set([a!]), to: new Set([d!]) });
    world.boot(a!);
    world.runUntil(10_000);
    expect(told).toEqual([
      [0, 'unreachable', 10],
      [0, 'peer-up', 15],
      [1, 'peer-up', 20],
      [0, 'unreachable', 3_000],
    ]);
    expect([a!.links.has(b!.did), a!.links.has(c!.did)]).toEqual([true, false]);
  });

  it('to contacts come back after a crash, and others do not', () => {
    const { world, heard } = listeningWorld(0);
    for (let index = 0; index < 3; index++) world.add();
    const [a, b, c] = world.nodes;
    a!.contacts.add(b!);
    for (const node of world.nodes) world.boot(node);
    world.swarm.open(a!, c!);
    world.runUntil(1_000);
    expect([...a!.links.keys()].toSorted()).toEqual([b!.did, c!.did].toSorted());
    world.crash(a!);
    world.runUntil(10_000);
    expect([b!.links.size, c!.links.size]).toEqual([0, 0]);
    expect(heard[1]!.map((line) => line.split(' ')[1])).toEqual(['peer-up', 'peer-down']);
    world.boot(a!);
    world.runUntil(20_000);
    expect([...a!.links.keys()]).toEqual([b!.did]);
  });

  it('above the cap are closed where neither side needs them', () => {
    const machineOf = scripted((event, _, { index }) => {
      const isKept = event.type === 'peer-up' && index === 0 && event.peer === world.nodes[1]!.did;
      return isKept ? [{ type: 'protect', peer: event.peer }] : [];
    });
    const world = new World({
      seed: 1,
      machineOf,
      topics: [],
      swarm: { connectionsMax: 2, trimGraceMs: 100 },
    });
    for (let index = 0; index < 6; index++) world.add();
    const [hub, ...others] = world.nodes;
    others[1]!.contacts.add(hub!);
    for (const node of world.nodes) world.boot(node);
    for (const node of others) if (!hub!.links.has(node.did)) world.swarm.open(hub!, node);
    world.runUntil(1_000);
    const kept = new Set(Array.from(hub!.links.values(), (link) => link.other(hub!).index));
    expect(kept).toEqual(new Set([1, 2]));
  });
});

describe('cuts', () => {
  it('in one direction lose frames that way alone, until the link ends at both sides', () => {
    const swarm = { linkTimeoutMs: { type: 'fixed', ms: 1_000 } } as const;
    const { world, heard, say } = listeningWorld(2, { swarm });
    const [a, b] = world.nodes;
    world.swarm.open(a!, b!);
    world.runUntil(10);
    world.cut({ from: new Set([a!]), to: new Set([b!]) });
    say(0, 1, 1);
    say(1, 0, 2);
    world.runUntil(5_000);
    expect(heard).toEqual([
      ['0 peer-up n1', '15 received n1 2', '1010 peer-down n1'],
      ['5 peer-up n0', '1010 peer-down n0'],
    ]);
  });

  it('that keep links lose frames for as long as they last', () => {
    const { world, heard, say } = listeningWorld(2);
    const [a, b] = world.nodes;
    world.swarm.open(a!, b!);
    const cut = { from: new Set([a!]), to: new Set([b!]) };
    world.runUntil(10);
    world.cut(cut, true);
    say(0, 1, 1);
    world.runUntil(60_000);
    world.wire.heal(cut);
    say(0, 1, 2);
    world.runUntil(70_000);
    expect(heard[1]).toEqual(['5 peer-up n0', '60005 received n0 2']);
  });

  it('part a mesh, which publishes on and meets again when they heal', () => {
    const { world, violations } = watchedWorld();
    startMesh(world, 4);
    const [a, b, c, d] = world.nodes;
    const [left, right] = [new Set([a!, b!]), new Set([c!, d!])];
    for (const [from, to] of [
      [left, right],
      [right, left],
    ] as const)
      world.cut({ from, to });
    world.runUntil(10_000);
    world.submit(a!, TOPIC, text('left'));
    world.submit(d!, TOPIC, text('right'));
    world.runUntil(20_000);
    const counts = () => world.nodes.map((node) => node.disk.delivered(TOPIC).size);
    expect(counts()).toEqual([1, 1, 1, 1]);
    expect(a!.disk.delivered(TOPIC)).not.toEqual(d!.disk.delivered(TOPIC));
    world.wire.healAll();
    world.runUntil(30_000);
    expect(counts()).toEqual([2, 2, 2, 2]);
    expect(violations.count).toBe(0);
  });
});

describe('links', () => {
  const arrivals = (links: WorldOptions['links'], count = 400) => {
    const { world, heard, say } = listeningWorld(2, { links: links! });
    world.swarm.open(world.nodes[0]!, world.nodes[1]!);
    world.runUntil(10);
    for (let index = 0; index < count; index++) say(0, 1, index >> 8, index & 255);
    world.runUntil(60_000);
    return heard[1]!.slice(1).map((line) => {
      const [atMs, , , bytes] = line.split(' ');
      const [high, low] = bytes!.split(',').map(Number);
      return { atMs: Number(atMs), number: 256 * high! + low! };
    });
  };

  it('keep the order, unless they are to reorder', () => {
    const jitterMs = { type: 'uniform', minMs: 0, maxMs: 50 } as const;
    const inOrder = arrivals({ jitterMs }).map(({ number }) => number);
    expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b));
    const mixed = arrivals({ jitterMs, reorderRate: 0.3 }).map(({ number }) => number);
    expect(mixed).not.toEqual(inOrder);
    expect(mixed.toSorted((a, b) => a - b)).toEqual(inOrder);
  });

  it('lose and double so many', () => {
    expect(Math.abs(arrivals({ lossRate: 0.3 }).length - 280)).toBeLessThan(40);
    expect(Math.abs(arrivals({ duplicationRate: 0.5 }).length - 600)).toBeLessThan(50);
  });

  it('take time for bytes, and drop what would wait too long', () => {
    const slow = arrivals({ bytesPerMs: 0.02, queueMsMax: 1_000 });
    expect(slow.slice(0, 3).map(({ atMs }) => Math.round(atMs))).toEqual([115, 215, 315]);
    expect(slow).toHaveLength(11);
  });
});

describe('crashes', () => {
  it('lose what was not on disk yet', () => {
    const { world } = watchedWorld({ diskMs: { type: 'fixed', ms: 50 } });
    startMesh(world, 2);
    const [a, b] = world.nodes;
    world.submit(a!, TOPIC, text('lost'));
    world.runUntil(world.nowMs + 49);
    world.crash(a!);
    world.boot(a!);
    world.submit(a!, TOPIC, text('kept'));
    world.runUntil(world.nowMs + 10_000);
    expect(a!.acknowledged.map(({ name }) => name.seq)).toEqual([1]);
    expect([a!, b!].map((node) => node.disk.delivered(TOPIC).size)).toEqual([1, 1]);
  });

  it('may be followed by an old backup, after which a log goes on elsewhere', () => {
    const { world, violations } = watchedWorld();
    startMesh(world, 2);
    const [a, b] = world.nodes;
    const mark = a!.disk.mark();
    world.submit(a!, TOPIC, text('known to b'));
    world.runUntil(world.nowMs + 1_000);
    world.crash(a!);
    world.rollBack(a!, mark);
    expect(a!.disk.delivered(TOPIC).size).toBe(0);
    world.boot(a!);
    world.runUntil(world.nowMs + 20_000);
    expect([a!, b!].map((node) => node.disk.delivered(TOPIC).size)).toEqual([1, 1]);
    expect(violations.count).toBe(0);
  });

  it('are not crashes where a machine throws: that is a fault of the machine', () => {
    const machineOf = corrupted((effects, _, event) => {
      if (event.type === 'peer-up') throw new Error('boo');
      return effects;
    });
    const { world, broken } = watchedWorld({ machineOf });
    startMesh(world, 2);
    expect([...broken()]).toEqual(['total']);
  });
});

it('a machine that does not move its wake is stopped', () => {
  const world = new World({ seed: 1, topics: [TOPIC], machineOf: () => ({ wakeAtMs: 5, handle: () => [] }) });
  world.add();
  world.boot(world.nodes[0]!);
  expect(() => world.runUntil(10)).toThrow('does not move its wakeAtMs');
});

it('frames to who is not linked go nowhere', () => {
  const machineOf = scripted((event, _, { index }) =>
    index === 0 && event.type === 'joined'
      ? [sendTo([world.nodes[1]!.did], { type: 'Graft', topic: TOPIC })]
      : [],
  );
  const world = new World({ seed: 1, machineOf, topics: [TOPIC] });
  const sent: string[] = [];
  world.observe({ sent: (from, to) => sent.push(`${from.label} ${to.label}`) });
  world.add();
  world.add();
  world.boot(world.nodes[1]!);
  world.boot(world.nodes[0]!);
  world.runUntil(1_000);
  expect(sent).toEqual([]);
});
