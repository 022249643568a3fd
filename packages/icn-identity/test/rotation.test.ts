import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { decodeCbor, encodeCbor, type Cbor } from '../src/cbor.js';
import {
  createEnvelope,
  createRotation,
  endOfChain,
  keyPairFromSeed,
  openRotation,
  RotationSet,
  sign,
  type Did,
  type KeyPair,
  type Resolution,
  type Rotation,
  type RotationFault,
} from '../src/index.js';
import { encodeY } from './curve.js';

const keys = Array.from({ length: 6 }, (_, i) => keyPairFromSeed(new Uint8Array(32).fill(i + 1)));
const [a, b, c, d] = keys as [KeyPair, KeyPair, KeyPair, KeyPair];
const at = { network: 'coop', sequence: 1, timestampMs: 1_700_000_000_000 };

const made = new Map<string, Rotation>();

/** Signing is slow, and the same each time. */
function rotation(from: KeyPair, to: KeyPair, sequence = 1): Rotation {
  const name = `${from.did} ${to.did} ${sequence}`;
  const known = made.get(name) ?? createRotation(from, to, { ...at, sequence });
  made.set(name, known);
  return known;
}

function setOf(...rotations: readonly Rotation[]): RotationSet {
  const set = new RotationSet('coop');
  for (const each of rotations) set.add(each);
  return set;
}

/** A rotation of `a` with any payload. */
function withPayload(payload: Uint8Array, recipient: Did | null = null): RotationFault | Rotation {
  const content = { purpose: 'icn/rotation', ...at, recipient, payload } as const;
  return openRotation(createEnvelope(a, content).bytes, 'coop');
}

function payloadOf(...fields: readonly Cbor[]): Uint8Array {
  return encodeCbor(fields);
}

function accepted(by: KeyPair, network: string, old: Uint8Array, successor: Uint8Array): Uint8Array {
  return sign(by, 'icn/rotation-accepted', encodeCbor([network, old, successor]));
}

describe('a rotation', () => {
  it('is read as it was made, and signed by both', () => {
    const statement = createRotation(a, b, at);
    expect(openRotation(statement.bytes, 'coop')).toEqual(statement);
    expect(statement).toEqual({ ...at, predecessor: a.did, successor: b.did, bytes: statement.bytes });
  });

  it('may have more in its payload than is known', () => {
    const acceptance = accepted(b, 'coop', a.publicKey, b.publicKey);
    expect(withPayload(payloadOf(b.publicKey, acceptance, 'later'))).toMatchObject({ successor: b.did });
  });

  it.each<[RotationFault, string, () => RotationFault | Rotation]>([
    ['network-wrong', 'in another network', () => openRotation(rotation(a, b).bytes, 'other')],
    ['recipient-wrong', 'to one alone', () => withPayload(payloadOf(), b.did)],
    ['malformed', 'as other bytes', () => openRotation(Uint8Array.from([1, 2]), 'coop')],
    ['payload-malformed', 'without CBOR', () => withPayload(new Uint8Array([0xff]))],
    ['payload-malformed', 'as a number', () => withPayload(encodeCbor(7))],
    ['payload-malformed', 'without a successor', () => withPayload(payloadOf())],
    [
      'payload-malformed',
      'to a key of small order',
      () => withPayload(payloadOf(encodeY(1n, false), new Uint8Array(64))),
    ],
    [
      'payload-malformed',
      'with half a signature',
      () => withPayload(payloadOf(b.publicKey, new Uint8Array(32))),
    ],
    [
      'successor-same',
      'to the same key',
      () => withPayload(payloadOf(a.publicKey, accepted(a, 'coop', a.publicKey, a.publicKey))),
    ],
    [
      'acceptance-wrong',
      'that the new key never saw',
      () => withPayload(payloadOf(b.publicKey, new Uint8Array(64))),
    ],
    [
      'acceptance-wrong',
      'accepted by another key than the new one',
      () => withPayload(payloadOf(b.publicKey, accepted(c, 'coop', a.publicKey, b.publicKey))),
    ],
    [
      'acceptance-wrong',
      'accepted from another predecessor',
      () => withPayload(payloadOf(b.publicKey, accepted(b, 'coop', c.publicKey, b.publicKey))),
    ],
    [
      'acceptance-wrong',
      'accepted in another network',
      () => withPayload(payloadOf(b.publicKey, accepted(b, 'other', a.publicKey, b.publicKey))),
    ],
  ])('is refused as %s %s', (fault, _, open) => {
    expect(open()).toBe(fault);
  });

  it('is refused with any byte changed', () => {
    const { bytes } = rotation(a, b);
    for (let index = 0; index < bytes.length; index += 3)
      expect(typeof openRotation(bytes.with(index, bytes[index]! ^ 1), 'coop')).toBe('string');
  });

  it('is refused when the old key was not asked', () => {
    const [body] = decodeCbor(rotation(a, b).bytes) as [Uint8Array];
    const stolen = encodeCbor([body, sign(b, 'icn/rotation', body)]);
    expect(openRotation(stolen, 'coop')).toBe('signature-wrong');
  });

  it('is not made to the same key', () => {
    expect(() => createRotation(a, a, at)).toThrow(expect.objectContaining({ code: 'envelope-invalid' }));
  });

  it.each([
    ['a network that is no text', { network: '\ud800' }],
    ['a network without a name', { network: '' }],
    ['sequence 0', { sequence: 0 }],
    ['half a millisecond', { timestampMs: 0.5 }],
  ])('is not made with %s', (_, part) => {
    expect(() => createRotation(a, b, { ...at, ...part })).toThrow(
      expect.objectContaining({ code: 'envelope-invalid' }),
    );
  });
});

describe('a set of rotations', () => {
  it('says who a DID is today', () => {
    const set = setOf(rotation(a, b), rotation(b, c));
    expect(set.resolve(c.did)).toEqual({ state: 'current', did: c.did, path: [] });
    expect(set.resolve(a.did)).toEqual({
      state: 'retired',
      did: c.did,
      path: [rotation(a, b), rotation(b, c)],
    });
    expect(keys.map(({ did }) => set.resolve(did).state)).toEqual([
      ...['retired', 'retired', 'current', 'current', 'current', 'current'],
    ]);
  });

  it('keeps a retired DID retired, though somebody rotates back to it', () => {
    const set = setOf(rotation(a, b), rotation(b, a));
    expect(set.resolve(a.did)).toEqual({ state: 'cyclic', path: [rotation(a, b), rotation(b, a)] });
    expect(set.resolve(b.did).state).toBe('cyclic');
    set.add(rotation(d, a));
    expect(set.resolve(d.did)).toMatchObject({ state: 'cyclic' });
  });

  it('resolves a fork to nobody, with two rotations that prove it', () => {
    const set = setOf(rotation(a, b), rotation(b, c), rotation(b, d));
    const forked = set.resolve(a.did);
    expect(forked).toMatchObject({ state: 'forked', at: b.did, path: [rotation(a, b)] });
    const { evidence } = forked as Extract<Resolution, { state: 'forked' }>;
    expect(evidence.map(({ predecessor }) => predecessor)).toEqual([b.did, b.did]);
    expect(new Set(evidence.map(({ successor }) => successor))).toEqual(new Set([c.did, d.did]));
    expect(set.resolve(c.did)).toMatchObject({ state: 'current' });
  });

  it('does not take two rotations to one successor for a fork', () => {
    const set = setOf(rotation(a, b, 1), rotation(a, b, 2));
    expect(set.resolve(a.did)).toMatchObject({ state: 'retired', did: b.did });
    expect([...set]).toHaveLength(1);
  });

  it('lets two go on as one', () => {
    const set = setOf(rotation(a, c), rotation(b, c));
    expect([a, b].map(({ did }) => set.resolve(did))).toMatchObject([{ did: c.did }, { did: c.did }]);
  });

  it('is full at its bound, forgets nobody, and still learns of forks', () => {
    const set = new RotationSet('coop', 1);
    expect([set.add(rotation(a, b)), set.add(rotation(a, b))]).toEqual(['added', 'known']);
    expect(set.add(rotation(b, c))).toBe('full');
    expect([...set]).toEqual([rotation(a, b)]);
    expect(set.add(rotation(a, c))).toBe('added');
    expect(set.resolve(a.did).state).toBe('forked');
    expect(() => new RotationSet('coop', 0)).toThrow(RangeError);
  });

  it('says of nobody that he is current when it is full, for it may have turned his rotation away', () => {
    const set = new RotationSet('coop', 2);
    set.add(rotation(a, b));
    expect([set.isFull, set.resolve(b.did).state]).toEqual([false, 'current']);
    set.add(rotation(c, d));
    expect(set.add(rotation(b, a))).toBe('full');
    const stored = new RotationSet('coop', 2);
    for (const each of set) stored.add(each);
    for (const one of [set, stored]) {
      expect(one.isFull).toBe(true);
      expect(one.resolve(b.did)).toEqual({ state: 'incomplete', did: b.did, path: [] });
      expect(one.resolve(a.did)).toEqual({ state: 'incomplete', did: b.did, path: [rotation(a, b)] });
    }
    const larger = setOf(...stored, rotation(b, a));
    expect([b, c].map(({ did }) => larger.resolve(did).state)).toEqual(['cyclic', 'retired']);
  });

  it('takes nothing but what was made or opened here', () => {
    const set = new RotationSet('coop');
    const invalid = expect.objectContaining({ code: 'envelope-invalid' });
    const { network, predecessor, sequence, timestampMs, bytes } = rotation(a, b);
    // @ts-expect-error: a literal of the same shape is of another type
    const literal: Rotation = { network, predecessor, successor: c.did, sequence, timestampMs, bytes };
    for (const forged of [literal, { ...rotation(a, b) }]) {
      expect(() => set.add(forged)).toThrow(invalid);
      expect(() => endOfChain(a.did, [forged], 'coop')).toThrow(invalid);
    }
    expect(set.resolve(a.did).state).toBe('current');
    expect(set.add(rotation(a, b))).toBe('added');
  });

  it('takes none of another network', () => {
    expect(new RotationSet('other').add(rotation(a, b))).toBe('network-wrong');
  });

  const edge = fc
    .tuple(fc.nat(5), fc.nat(5), fc.integer({ min: 1, max: 2 }))
    .filter(([from, to]) => from !== to);

  it('says the same in any order, with repetitions, and after being stored', () => {
    fc.assert(
      fc.property(
        fc
          .array(edge, { maxLength: 12 })
          .chain((edges) =>
            fc.tuple(
              fc.constant(edges),
              fc.shuffledSubarray(edges, { minLength: edges.length }),
              fc.subarray(edges),
            ),
          ),
        ([edges, shuffled, again]) => {
          const made = (list: typeof edges) =>
            list.map(([from, to, seq]) => rotation(keys[from]!, keys[to]!, seq));
          const sets = [setOf(...made(edges)), setOf(...made(again), ...made(shuffled), ...made(again))];
          sets.push(setOf(...[...sets[0]!].toReversed()));
          const said = sets.map((set) => keys.map(({ did }) => set.resolve(did)));
          expect(said[1]).toEqual(said[0]);
          expect(said[2]).toEqual(said[0]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('says what a plain walk over all successors says', () => {
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 10 }), (edges) => {
        const set = setOf(...edges.map(([from, to, seq]) => rotation(keys[from]!, keys[to]!, seq)));
        keys.forEach(({ did }, start) => {
          const resolution = set.resolve(did);
          expect([resolution.state, 'did' in resolution ? resolution.did : undefined]).toEqual(
            walk(edges, start),
          );
        });
      }),
      { numRuns: 200 },
    );
  });

  function walk(edges: readonly (readonly number[])[], start: number): unknown[] {
    let now = start;
    for (let steps = 0; steps <= keys.length; steps += 1) {
      const successors = new Set(edges.filter(([from]) => from === now).map(([, to]) => to as number));
      if (successors.size > 1) return ['forked', undefined];
      const [next] = successors;
      if (next === undefined) return [steps === 0 ? 'current' : 'retired', keys[now]!.did];
      now = next;
    }
    return ['cyclic', undefined];
  }
});

describe('a chain', () => {
  it('is checked by itself', () => {
    expect(endOfChain(a.did, [], 'coop')).toBe(a.did);
    expect(endOfChain(a.did, [rotation(a, b), rotation(b, c)], 'coop')).toBe(c.did);
  });

  it.each<[string, readonly Rotation[]]>([
    ['that begins elsewhere', [rotation(b, c)]],
    ['with a hole', [rotation(a, b), rotation(c, d)]],
    ['in the wrong order', [rotation(b, c), rotation(a, b)]],
    ['that comes back', [rotation(a, b), rotation(b, a)]],
    ['that forks', [rotation(a, b), rotation(a, c)]],
    ['with one twice', [rotation(a, b), rotation(a, b)]],
    ['of another network', [createRotation(a, b, { ...at, network: 'other' })]],
    ['of two networks', [rotation(a, b), createRotation(b, c, { ...at, network: 'other' })]],
  ])('is refused %s', (_, chain) => {
    expect(endOfChain(a.did, chain, 'coop')).toBeUndefined();
  });
});
