import { describe, expect, it } from '@jest/globals';
import type { GossipEffect } from '../../src/events.js';
import { Latencies, Statistics, World, type MachineFactory } from '../../src/sim/index.js';
import { decodeParts, encodeParts } from '../../src/entry/entry.js';
import { encodeMessage } from '../../src/wire/message-codec.js';
import { readFrame } from '../../src/sim/index.js';
import { entryOf } from '../fixtures.js';
import { scripted, sendTo, TOPIC } from './scripted.js';

/** Sends what it has not seen to all peers but the one that it came from: copies and hops can be counted by hand. */
function flooding(isQuiet = false): MachineFactory {
  return (setup) => {
    const peers = new Set<(typeof setup)['keyPair']['did']>();
    const seen = new Set<string>();
    let delivered = 0;
    const machine = scripted((event): readonly GossipEffect[] => {
      if (event.type === 'peer-up') peers.add(event.peer);
      if (event.type === 'submitted') {
        const { name, parts } = entryOf({ author: setup.keyPair, network: setup.network, topic: TOPIC });
        seen.add(name.id);
        const writes = [
          { type: 'entry', topic: TOPIC, id: name.id, parts },
          { type: 'position', topic: TOPIC, position: ++delivered, id: name.id },
        ] as const;
        const message = { type: 'Announcement', topic: TOPIC, name, entry: parts } as const;
        const acknowledge = { type: 'acknowledge', ref: event.ref, names: [name] } as const;
        return [{ type: 'persist', write: 1, writes }, acknowledge, sendTo([...peers], message)];
      }
      if (event.type !== 'received') return [];
      const { message } = readFrame(event.frame);
      if (typeof message === 'string' || message.type !== 'Announcement') return [];
      const { name } = message;
      if (seen.has(name.id)) return [];
      seen.add(name.id);
      const others = [...peers].filter((peer) => peer !== event.from);
      const deliver = {
        type: 'deliver',
        topic: TOPIC,
        position: ++delivered,
        name,
        late: false,
        forked: false,
      } as const;
      return isQuiet
        ? [deliver]
        : [deliver, { type: 'send', to: others, frame: event.frame, priority: 'control' }];
    });
    return machine(setup);
  };
}

/** Floods one entry from the first node of a graph of so many. */
function flood(nodeCount: number, edges: readonly (readonly [number, number])[]): Statistics {
  const world = new World({ seed: 1, machineOf: flooding(), topics: [TOPIC] });
  const statistics = new Statistics(world);
  world.observe(statistics);
  for (let index = 0; index < nodeCount; index++) world.add();
  for (const node of world.nodes) world.boot(node);
  for (const [a, b] of edges) world.swarm.open(world.nodes[a]!, world.nodes[b]!);
  world.runUntil(100);
  world.submit(world.nodes[0]!, TOPIC, new Uint8Array(1));
  world.runUntil(1_000);
  return statistics;
}

describe('Statistics against what can be counted by hand', () => {
  it('a line of 5: one copy each, 4 hops', () => {
    const { counts, copiesPerNode, latencies } = flood(5, [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ]);
    expect(counts).toMatchObject({
      broadcasts: 1,
      frames: 4,
      payloadSends: 4,
      payloadArrivals: 4,
      firstArrivals: 4,
    });
    expect([counts.lastHop, copiesPerNode, counts.controlBytes, counts.duplicates]).toEqual([4, 1, 0, 0]);
    expect(latencies.rows()).toEqual([
      [5, 1],
      [10, 1],
      [15, 1],
      [20, 1],
    ]);
  });

  it('a triangle: the two that hear of it tell each other', () => {
    const { counts, copiesPerNode } = flood(3, [
      [0, 1],
      [0, 2],
      [1, 2],
    ]);
    expect(counts).toMatchObject({ payloadSends: 4, payloadArrivals: 4, firstArrivals: 2, lastHop: 1 });
    expect(copiesPerNode).toBe(2);
  });

  it('a ring of 4: the far one gets it twice', () => {
    const { counts } = flood(4, [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 0],
    ]);
    expect(counts).toMatchObject({ payloadSends: 5, payloadArrivals: 5, firstArrivals: 3, lastHop: 2 });
  });

  it('a full graph of 6: everyone to everyone but where it came from', () => {
    const edges = [0, 1, 2, 3, 4, 5].flatMap((a) =>
      [0, 1, 2, 3, 4, 5].flatMap((b) => (a < b ? [[a, b] as const] : [])),
    );
    const { counts, copiesPerNode } = flood(6, edges);
    expect(counts).toMatchObject({ payloadSends: 5 + 5 * 4, firstArrivals: 5, lastHop: 1 });
    expect(copiesPerNode).toBe(5);
  });

  it('counts as control what carries no payload, names and headers alike', () => {
    const world = new World({ seed: 1, machineOf: flooding(true), topics: [TOPIC] });
    const statistics = new Statistics(world);
    const [a, b] = [world.add(), world.add()];
    const { name, parts } = entryOf();
    const headerAlone = decodeParts(encodeParts({ ...parts, payload: undefined }))!;
    const frames = [
      encodeMessage({ type: 'Announcement', topic: TOPIC, name, entry: undefined }),
      encodeMessage({ type: 'Equivocation', topic: TOPIC, entries: [headerAlone] }),
      encodeMessage({
        type: 'Announcements',
        topic: TOPIC,
        entries: [parts, parts],
        names: [name],
        isRepair: false,
      }),
      encodeMessage({
        type: 'PullResponse',
        requestId: 1,
        topic: TOPIC,
        entries: [undefined, parts],
        more: false,
      }),
    ];
    for (const frame of frames) statistics.sent(a, b, frame);
    expect(statistics.counts).toMatchObject({ frames: 4, payloadSends: 3 });
    expect(statistics.counts.controlBytes).toBe(frames[0]!.length + frames[1]!.length);
  });

  it('counts what is delivered again, but not after an old backup', () => {
    const world = new World({ seed: 1, machineOf: flooding(), topics: [TOPIC] });
    const statistics = new Statistics(world);
    const [a, b] = [world.add(), world.add()];
    const { name } = entryOf();
    const deliver = { type: 'deliver', topic: TOPIC, position: 1, name, late: false, forked: false } as const;
    statistics.ordered(a, { type: 'acknowledge', ref: 1, names: [name] }, 0);
    for (const atMs of [5, 6]) statistics.ordered(b, deliver, atMs);
    expect(statistics.counts.duplicates).toBe(1);
    statistics.rolledBack(b);
    statistics.ordered(b, deliver, 7);
    expect(statistics.counts.duplicates).toBe(1);
  });
});

describe('Latencies', () => {
  it('knows quantiles, and merges', () => {
    const [a, b] = [new Latencies(), new Latencies()];
    for (let ms = 1; ms <= 50; ms++) a.add(ms);
    for (let ms = 51; ms <= 100; ms++) b.add(ms);
    a.merge(b.rows());
    expect([a.count, a.quantile(0.5), a.quantile(0.99), a.quantile(1)]).toEqual([100, 50, 99, 100]);
    expect(new Latencies().quantile(0.5)).toBeNull();
  });

  it('keeps three digits of long times', () => {
    const latencies = new Latencies();
    latencies.add(123_456);
    expect(latencies.quantile(0.5)).toBe(123_000);
  });
});
