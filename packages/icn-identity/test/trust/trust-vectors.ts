import { toHex } from '../../src/bytes.js';
import { encodeCbor, type Cbor } from '../../src/cbor.js';
import { createEnvelope, keyPairFromSeed, type Did, type KeyPair } from '../../src/index.js';
import { lifetimeMaxMs, openStatement, signStatement, TrustGraph } from '../../src/trust/index.js';

const network = 'icn';
const names = ['me', 'ada', 'bob', 'cem', 'dora', 'eve'] as const;
type Name = (typeof names)[number];

/** A key pair of which every byte of the seed is the place of its name, from 1. */
const keysOf = Object.fromEntries(
  names.map((name, index) => [name, keyPairFromSeed(new Uint8Array(32).fill(index + 1))]),
) as Record<Name, KeyPair>;

const nameOf = (did: Did): Name | undefined => names.find((name) => keysOf[name].did === did);

/** Issuer, subject, score in thousandths, and what is not 1 and 1,000. */
type Said = readonly [Name, Name, number | null, { sequence?: number; expiresMs?: number }?];

function sign([issuer, subject, score, { sequence = 1, expiresMs = 1_000 } = {}]: Said) {
  const end = score === null ? null : expiresMs;
  const content = { network, subject: keysOf[subject].did, score, sequence, timestampMs: 0, expiresMs: end };
  return signStatement(keysOf[issuer], content);
}

const graphs: Readonly<
  Record<string, { readonly said: readonly Said[]; readonly timesMs?: readonly number[] }>
> = {
  'each hop costs a class, and a fourth leads nowhere': {
    said: [
      ['me', 'ada', 1_000],
      ['ada', 'bob', 1_000],
      ['bob', 'cem', 1_000],
      ['cem', 'dora', 1_000],
    ],
  },
  'a weaker, shorter path goes on where the stronger one has used its hops up': {
    said: [
      ['me', 'ada', 1_000],
      ['ada', 'bob', 1_000],
      ['bob', 'cem', 1_000],
      ['me', 'dora', 400],
      ['dora', 'cem', 1_000],
      ['cem', 'eve', 1_000],
    ],
  },
  'each hop is rounded down': {
    said: [
      ['me', 'ada', 777],
      ['ada', 'bob', 333],
      ['bob', 'cem', 999],
    ],
  },
  'my own statement stands, below and above what others say; my 0 blocks': {
    said: [
      ['me', 'ada', 1_000],
      ['me', 'bob', 100],
      ['ada', 'bob', 1_000],
      ['me', 'cem', 0],
      ['ada', 'cem', 1_000],
      ['cem', 'dora', 1_000],
      ['ada', 'me', 0],
    ],
  },
  cycles: {
    said: [
      ['me', 'ada', 500],
      ['ada', 'bob', 1_000],
      ['bob', 'ada', 1_000],
      ['bob', 'cem', 1_000],
      ['cem', 'bob', 1_000],
    ],
  },
  'the highest sequence counts, whether taken back, lower or ended': {
    said: [
      ['me', 'ada', 900, { sequence: 1 }],
      ['me', 'ada', 200, { sequence: 2 }],
      ['me', 'bob', 900, { sequence: 4 }],
      ['me', 'bob', null, { sequence: 5 }],
      ['me', 'cem', 900, { sequence: 6, expiresMs: 1_000 }],
      ['me', 'cem', 100, { sequence: 7, expiresMs: 500 }],
    ],
    timesMs: [0, 499, 500, 1_000],
  },
  'of one sequence given twice the greater bytes count': {
    said: [
      ['me', 'ada', 900],
      ['me', 'ada', 100],
    ],
  },
  'statements end, each on its own': {
    said: [
      ['me', 'ada', 1_000, { expiresMs: 300 }],
      ['ada', 'bob', 500, { expiresMs: 200 }],
      ['me', 'cem', 300, { expiresMs: 400 }],
      ['cem', 'bob', 900, { expiresMs: 250 }],
    ],
    timesMs: [0, 200, 250, 300, 400],
  },
  'of equal paths the one with fewer hops, else with the first DID, is told': {
    said: [
      ['me', 'ada', 600],
      ['me', 'bob', 600],
      ['ada', 'cem', 500],
      ['bob', 'cem', 500],
      ['me', 'dora', 1_000],
      ['dora', 'eve', 500],
      ['eve', 'cem', 1_000],
    ],
  },
};

/** What docs/protocol/trust.md says: statements as bytes, and what comes of them. */
export function trustVectors() {
  return {
    network,
    dids: Object.fromEntries(names.map((name) => [name, keysOf[name].did])),
    refused: refused(),
    graphs: Object.entries(graphs).map(([name, { said, timesMs = [0] }]) => {
      const statements = said.map(sign);
      const graph = new TrustGraph(keysOf.me.did);
      for (const statement of statements) graph.add(statement, 0);
      const at = timesMs.map((timeMs) => ({ timeMs, scores: scoresAt(graph, timeMs) }));
      return { name, statements: said.map((_, index) => toHex(statements[index]!.bytes)), at };
    }),
  };
}

function scoresAt(graph: TrustGraph, timeMs: number) {
  return names.map((name) => {
    const { score, trustClass, basis, path } = graph.explain(keysOf[name].did, timeMs);
    const by = path.map(({ issuer, said, score: left }) => ({ issuer: nameOf(issuer), said, score: left }));
    return { name, score, class: trustClass, basis, path: by };
  });
}

function refused() {
  const key = keysOf.ada.publicKey;
  const payloads: readonly (readonly [string, Cbor])[] = [
    ['no array', 'trust'],
    ['a field is missing', [key, 500]],
    ['a key of 31 bytes', [key.subarray(1), 500, 1_000]],
    ['a key of small order', [new Uint8Array(32), 500, 1_000]],
    ['a score above 1,000', [key, 1_001, 1_000]],
    ['a score without an end', [key, 500, null]],
    ['taken back, with an end', [key, null, 1_000]],
    ['about its issuer', [keysOf.me.publicKey, 500, 1_000]],
    ['for too long', [key, 500, lifetimeMaxMs + 1]],
  ];
  const fields = { purpose: 'icn/trust', network, recipient: null, sequence: 1, timestampMs: 0 } as const;
  return payloads.map(([name, payload]) => {
    const { bytes } = createEnvelope(keysOf.me, { ...fields, payload: encodeCbor(payload) });
    return { name, envelope: toHex(bytes), why: openStatement(bytes, network) };
  });
}
