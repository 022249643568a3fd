import { describe, expect, it } from '@jest/globals';
import { createEntry, decodeEntry } from '../../src/entry/entry.js';
import { entryIdFromBytes, type EntryName } from '../../src/entry/entry-name.js';
import type { StoreWrite } from '../../src/entry/entry-store.js';
import type { GossipEffect } from '../../src/events.js';
import {
  judgeConvergence,
  plainMachine,
  readFrame,
  requiredNow,
  type MachineFactory,
  type MachineSetup,
} from '../../src/sim/index.js';
import { keyOfDid } from '../../src/wire/dids.js';
import { keyPair, text } from '../fixtures.js';
import { corrupted, question, sendTo, startMesh, TOPIC, watchedWorld } from './scripted.js';

/** Three nodes publish two entries each, under all checkers; returns which invariants broke. */
function brokenBy(machineOf: MachineFactory, rounds = 20): string[] {
  const { world, violations, broken } = watchedWorld({ machineOf });
  startMesh(world, 3);
  for (const node of [...world.nodes, ...world.nodes]) {
    world.submit(node, TOPIC, text(`of ${node.label}`));
    world.runUntil(world.nowMs + 1_000);
  }
  const required = requiredNow(world);
  world.runUntil(world.nowMs + rounds * 5_000);
  judgeConvergence(world, required, violations);
  return [...broken()].toSorted();
}

type Persist = Extract<GossipEffect, { type: 'persist' }>;

/** Changes the writes of one machine. */
function writing(
  change: (writes: readonly StoreWrite[], setup: MachineSetup) => readonly StoreWrite[],
): MachineFactory {
  return corrupted((effects, setup) =>
    effects.map((effect): GossipEffect => {
      return effect.type === 'persist' ? { ...effect, writes: change(effect.writes, setup) } : effect;
    }),
  );
}

/** Changes each delivery. */
function delivering(
  change: (deliver: Extract<GossipEffect, { type: 'deliver' }>) => GossipEffect[],
): MachineFactory {
  return corrupted((effects) =>
    effects.flatMap((effect) => (effect.type === 'deliver' ? change(effect) : [effect])),
  );
}

const isPersist = (effect: GossipEffect): effect is Persist => effect.type === 'persist';

describe('a right machine', () => {
  it('breaks nothing', () => expect(brokenBy(plainMachine())).toEqual([]));

  it('breaks nothing where the test changes nothing', () => {
    expect(brokenBy(corrupted((effects) => effects))).toEqual([]);
  });
});

describe('each checker fires where its rule is broken, and there alone', () => {
  it('I2: a second check of a signature', () => {
    const machineOf = corrupted((effects, { verifySignature }) => {
      for (const { writes } of effects.filter(isPersist)) {
        for (const write of writes) {
          if (write.type !== 'entry') continue;
          const { name } = decodeEntry(write.parts) as { name: EntryName };
          const message = Uint8Array.from(name.id.match(/../g)!, (byte) => Number.parseInt(byte, 16));
          for (let time = 0; time < 2; time++)
            verifySignature(keyOfDid(name.author), 'icn/entry', message, write.parts.proof.signature);
        }
      }
      return effects;
    });
    expect(brokenBy(machineOf)).toEqual(['I2']);
  });

  it('I5: other bytes than the author signed', () => {
    let spoilt = 0;
    const machineOf = writing((writes, { keyPair }) =>
      writes.map((write) => {
        if (write.type !== 'entry' || spoilt > 0) return write;
        const decoded = decodeEntry(write.parts);
        if (typeof decoded === 'string' || decoded.name.author === keyPair.did) return write;
        spoilt++;
        return { ...write, parts: { ...write.parts, payload: text('else') } };
      }),
    );
    expect(brokenBy(machineOf)).toContain('I5');
  });

  it.each([
    ['a head that nobody made', question({ summary: { type: 'clock', clock: [forgedHead()], base: null } })],
    ['a root that nobody has', question({ root: new Uint8Array(32) })],
  ])('I6: a claim of %s', (_, claim) => {
    const machineOf = corrupted((effects, _setup, event) => {
      return event.type === 'peer-up'
        ? [...effects, sendTo([event.peer], { ...claim, answer: true })]
        : effects;
    });
    expect(brokenBy(machineOf)).toEqual(['I6']);
  });

  it('I6: a true head before it is durable', () => {
    const machineOf = corrupted((effects, _setup, event) => {
      const persist = effects.find(isPersist);
      const [write] = persist?.writes ?? [];
      if (event.type !== 'received' || write?.type !== 'entry') return effects;
      const { name } = decodeEntry(write.parts) as { name: EntryName };
      const clock = [{ ...name, floor: 0 }];
      return [
        sendTo([event.from], question({ answer: true, summary: { type: 'clock', clock, base: null } })),
        ...effects,
      ];
    });
    expect(brokenBy(machineOf)).toEqual(['I6']);
  });

  it('I7: a position left out', () => {
    const machineOf = writing((writes) =>
      writes.map((write) => ('position' in write ? { ...write, position: write.position + 1 } : write)),
    );
    expect(brokenBy(machineOf)).toContain('I7');
  });

  it('I7: an entry delivered twice', () => {
    expect(brokenBy(delivering((deliver) => [deliver, deliver]))).toEqual(['I7']);
  });

  it('I7: late where nothing was passed over', () => {
    expect(brokenBy(delivering((deliver) => [{ ...deliver, late: true }]))).toEqual(['I7']);
  });

  it('I7: a log delivered backwards', () => {
    const { world, broken } = watchedWorld({ machineOf: backwards() });
    startMesh(world, 1);
    for (let count = 0; count < 2; count++) world.submit(world.nodes[0]!, TOPIC, text('x'));
    world.runUntil(world.nowMs + 100);
    expect(broken()).toContain('I7');
  });

  it('I8: delivered before it is durable', () => {
    const machineOf = corrupted((effects) => {
      const early = effects.filter(isPersist).flatMap(({ writes }) =>
        writes.flatMap((write): GossipEffect[] => {
          if (write.type !== 'position') return [];
          const name = { author: '' as EntryName['author'], lane: 0 as const, seq: 1, id: write.id };
          return [
            { type: 'deliver', topic: TOPIC, position: write.position, name, late: false, forked: false },
          ];
        }),
      );
      return [...effects.filter(({ type }) => type !== 'deliver'), ...early];
    });
    expect(brokenBy(machineOf)).toEqual(['I8']);
  });

  it('I8: its own entry sent before it is durable', () => {
    const machineOf = corrupted((effects, { keyPair }) => {
      const writes = effects.filter(isPersist).flatMap((effect) => effect.writes);
      const own = writes.flatMap((write) => {
        const decoded = write.type === 'entry' ? decodeEntry(write.parts) : '';
        return typeof decoded !== 'string' && decoded.name.author === keyPair.did ? [decoded] : [];
      });
      const early = own.map(({ name, parts }) =>
        sendTo([], { type: 'Announcement', topic: TOPIC, name, entry: parts }),
      );
      return [...early, ...effects];
    });
    expect(brokenBy(machineOf)).toEqual(['I8']);
  });

  it('I8: an honest log forked', () => {
    const { world, broken } = watchedWorld({ machineOf: forking() });
    startMesh(world, 2);
    expect([...broken()]).toEqual(['I8']);
  });

  it('I8: acknowledged and lost', () => {
    const machineOf = corrupted((effects, { index }) => {
      return index === 0 ? effects.filter((effect) => effect.type !== 'persist') : effects;
    });
    const { world, violations, broken } = watchedWorld({ machineOf });
    startMesh(world, 1);
    const { name } = createEntryOf(world.nodes[0]!.keyPair, 1);
    world.nodes[0]!.acknowledged.push({ topic: TOPIC, name });
    judgeConvergence(world, requiredNow(world), violations);
    expect([...broken()]).toEqual(['I8']);
  });

  it('I9: a log called forked that is not', () => {
    expect(brokenBy(delivering((deliver) => [{ ...deliver, forked: true }]))).toEqual(['I9']);
  });

  it('I9: a log closed that was never forked', () => {
    const { world, violations, broken } = watchedWorld();
    startMesh(world, 1);
    const [node] = world.nodes;
    const log = { author: node!.did, lane: 0 as const, from: 1 };
    node!.disk.write([{ type: 'withdrawal', topic: TOPIC, position: 1, log }]);
    judgeConvergence(world, requiredNow(world), violations);
    expect([...broken()]).toEqual(['I9']);
  });

  it('I10: equal roots over unequal sets', () => {
    const machineOf = corrupted(withoutPulls, (rows) =>
      rows.map((row) => ({ ...row, root: new Uint8Array(32) })),
    );
    expect(brokenBy(machineOf)).toEqual(['I15', 'liveness']);
    const { world, violations, broken } = watchedWorld({ machineOf });
    startMesh(world, 2);
    world.submit(world.nodes[0]!, TOPIC, text('x'));
    world.runUntil(world.nowMs + 100);
    judgeConvergence(world, new Map(), violations);
    expect(broken()).toContain('I10');
  });

  it('I11: unequal roots over equal sets', () => {
    let count = 0;
    const machineOf = corrupted(
      (effects) => effects,
      (rows) => rows.map((row) => ({ ...row, root: new Uint8Array(32).fill(count++) })),
    );
    expect(brokenBy(machineOf)).toEqual(['I11']);
  });

  it('liveness and I15: entries that never come', () => {
    expect(brokenBy(corrupted(withoutPulls))).toEqual(['I15', 'liveness']);
  });

  it('total: a frame that is none', () => {
    const machineOf = corrupted((effects, _, event) => {
      if (event.type !== 'peer-up') return effects;
      return [{ type: 'send', to: [event.peer], frame: new Uint8Array(1), priority: 'control' }, ...effects];
    });
    expect(brokenBy(machineOf)).toEqual(['total']);
  });
});

function withoutPulls(effects: readonly GossipEffect[]): readonly GossipEffect[] {
  return effects.filter((effect) => {
    if (effect.type !== 'send') return true;
    const { message } = readFrame(effect.frame);
    return typeof message !== 'string' && (message.type === 'AntiEntropy' || message.type === 'Roots');
  });
}

function forgedHead() {
  return {
    author: keyPair(77).did,
    lane: 0 as const,
    floor: 0,
    seq: 7,
    id: entryIdFromBytes(new Uint8Array(32)),
  };
}

function createEntryOf(keyPair: MachineSetup['keyPair'], timestampMs: number) {
  const fields = {
    network: 'sim',
    topic: TOPIC,
    lane: 0,
    seq: 1,
    prev: null,
    deps: [],
    timestampMs,
  } as const;
  return createEntry(keyPair, fields, text('x'));
}

/** Publishes a second first entry. */
function forking(): MachineFactory {
  return (setup) => {
    const made: StoreWrite[] = [1, 2].map((timestampMs) => {
      const { name, parts } = createEntryOf(setup.keyPair, timestampMs);
      return { type: 'entry', topic: TOPIC, id: name.id, parts };
    });
    return {
      wakeAtMs: undefined,
      handle: (event) =>
        event.type === 'joined' && setup.index === 0 ? [{ type: 'persist', write: 1, writes: made }] : [],
      status: () => [],
    };
  };
}

/** Writes a log of two, and delivers the second first. */
function backwards(): MachineFactory {
  return (setup) => {
    const first = createEntryOf(setup.keyPair, 1);
    const fields = {
      network: 'sim',
      topic: TOPIC,
      lane: 0,
      seq: 2,
      prev: first.name.id,
      deps: [],
      timestampMs: 1,
    } as const;
    const entries = [createEntry(setup.keyPair, fields, text('y')), first];
    const writes = entries.flatMap(({ name, parts }, index): StoreWrite[] => [
      { type: 'entry', topic: TOPIC, id: name.id, parts },
      { type: 'position', topic: TOPIC, position: index + 1, id: name.id },
    ]);
    const deliveries = entries.map(({ name }, index): GossipEffect => {
      return { type: 'deliver', topic: TOPIC, position: index + 1, name, late: false, forked: false };
    });
    return {
      wakeAtMs: undefined,
      handle: (event) => {
        if (event.type === 'joined') return [{ type: 'persist', write: 1, writes }];
        return event.type === 'persisted' ? deliveries : [];
      },
    };
  };
}
