import { decodeCbor, encodeCbor, type Cbor } from '../src/cbor.js';
import {
  createEnvelope,
  createRotation,
  keyPairFromSeed,
  openBox,
  openEnvelope,
  openRotation,
  RotationSet,
  sign,
  toHex,
  type EnvelopePurpose,
  type KeyPair,
  type Rotation,
} from '../src/index.js';
import { sealBoxWith } from '../src/sealed-box.js';

const keys = Array.from({ length: 4 }, (_, i) => keyPairFromSeed(new Uint8Array(32).fill(i + 1)));
const [alice, bob, carol, dave] = keys as [KeyPair, KeyPair, KeyPair, KeyPair];
const network = 'coop';
const timestampMs = 1_700_000_000_000;
const contents = [
  { purpose: 'icn/invitation', recipient: bob.did, sequence: 1, payload: Uint8Array.from([1, 2, 3]) },
  { purpose: 'icn/trust', recipient: null, sequence: 2, payload: new Uint8Array() },
  { purpose: 'icn/rotation', recipient: alice.did, sequence: 24, payload: new Uint8Array(24) },
  {
    purpose: 'icn/peer-record',
    recipient: null,
    sequence: Number.MAX_SAFE_INTEGER,
    payload: new Uint8Array(256).fill(7),
  },
] as const;

/** What is valid, and beside the first one what is not and why, for who expects what `expected` says. */
export function envelopeVectors() {
  const valid = contents.map((content) => {
    const envelope = createEnvelope(alice, { ...content, network, timestampMs });
    return {
      ...envelope,
      payload: toHex(envelope.payload),
      seed: toHex(alice.seed),
      bytes: toHex(envelope.bytes),
    };
  });
  const expected = { purpose: contents[0].purpose, network, recipient: contents[0].recipient };
  const { bytes } = createEnvelope(alice, { ...contents[0], network, timestampMs });
  const [body, signature] = decodeCbor(bytes) as [Uint8Array, Uint8Array];
  const fields = decodeCbor(body) as Cbor[];
  const signed = (fields: readonly Cbor[], by = alice, purpose: EnvelopePurpose = expected.purpose) => {
    const body = encodeCbor(fields);
    return encodeCbor([body, sign(by, purpose, body)]);
  };
  const others: Readonly<Record<string, Uint8Array>> = {
    'a field that is not known yet': signed([...fields, 'later']),
    'a byte behind': Uint8Array.from([...bytes, 0]),
    'three parts': encodeCbor([body, signature, null]),
    'a version to come': signed(fields.with(0, 2)),
    'sequence 0': signed(fields.with(5, 0)),
    'a sender of small order': signed(fields.with(3, new Uint8Array(32))),
    'a payload of 4,097 bytes': signed(fields.with(7, new Uint8Array(4_097))),
    'another purpose': signed(fields.with(1, 'icn/trust')),
    'another network': signed(fields.with(2, 'coop2')),
    'another recipient': signed(fields.with(4, carol.publicKey)),
    'to everybody': signed(fields.with(4, null)),
    'signed by another': signed(fields, carol),
    'signed for another purpose': signed(fields, alice, 'icn/trust'),
    'another time': encodeCbor([encodeCbor(fields.with(6, timestampMs + 1)), signature]),
  };
  const judged = Object.entries(others).map(([what, bytes]) => {
    const opened = openEnvelope(bytes, expected);
    return { what, fault: typeof opened === 'string' ? opened : null, bytes: toHex(bytes) };
  });
  return { valid, expected, judged };
}

export function rotationVectors() {
  const at = { network, sequence: 1, timestampMs };
  const made = {
    'alice to bob': createRotation(alice, bob, at),
    'bob to carol': createRotation(bob, carol, at),
    'bob to dave': createRotation(bob, dave, at),
    'bob to alice': createRotation(bob, alice, at),
    'dave to carol': createRotation(dave, carol, at),
  };
  const statements = Object.entries(made).map(([what, { bytes, predecessor, successor }]) => ({
    what,
    predecessor,
    successor,
    bytes: toHex(bytes),
  }));
  const [first, second, third, back, fourth] = Object.values(made) as [
    Rotation,
    Rotation,
    Rotation,
    Rotation,
    Rotation,
  ];
  const sets = [[], [first], [first, second], [first, second, third], [first, back], [second, fourth]].map(
    (rotations) => {
      const set = new RotationSet(network);
      for (const rotation of rotations) set.add(rotation);
      const resolved = keys.map(({ did }) => {
        const resolution = set.resolve(did);
        return { of: did, state: resolution.state, did: 'did' in resolution ? resolution.did : null };
      });
      return { statements: rotations.map((each) => Object.values(made).indexOf(each)), resolved };
    },
  );
  return { network, statements, refused: refusedRotations(), sets };
}

function refusedRotations() {
  const at = { purpose: 'icn/rotation', network, recipient: null, sequence: 1, timestampMs } as const;
  const acceptance = (by: KeyPair, from: KeyPair) =>
    sign(by, 'icn/rotation-accepted', encodeCbor([network, from.publicKey, bob.publicKey]));
  const payloads: Readonly<Record<string, Cbor>> = {
    'no signature of the new key': [bob.publicKey, new Uint8Array(64)],
    'signed by another new key': [bob.publicKey, acceptance(carol, alice)],
    'accepted from another': [bob.publicKey, acceptance(bob, carol)],
    'to itself': [alice.publicKey, acceptance(alice, alice)],
    'no successor': [],
  };
  return Object.entries(payloads).map(([what, fields]) => {
    const { bytes } = createEnvelope(alice, { ...at, payload: encodeCbor(fields) });
    return { what, fault: openRotation(bytes, network), bytes: toHex(bytes) };
  });
}

export function boxVectors() {
  const context = { purpose: 'icn/topic-key', network };
  const texts = ['', 'two sacks of flour', 'x'.repeat(200)];
  const valid = texts.map((text, index) => {
    const ephemeralSecret = new Uint8Array(32).fill(101 + index);
    const box = sealBoxWith(ephemeralSecret, alice, bob.did, context, new TextEncoder().encode(text));
    return {
      ...context,
      senderSeed: toHex(alice.seed),
      sender: alice.did,
      recipientSeed: toHex(bob.seed),
      recipient: bob.did,
      ephemeralSecret: toHex(ephemeralSecret),
      text,
      bytes: toHex(box),
    };
  });
  const box = sealBoxWith(new Uint8Array(32).fill(101), alice, bob.did, context, new Uint8Array(1));
  const fields = decodeCbor(box) as readonly Cbor[];
  const others: Readonly<Record<string, Uint8Array>> = {
    'an ephemeral key of zero': encodeCbor(fields.with(1, new Uint8Array(32))),
    'for another network': sealBoxWith(
      new Uint8Array(32).fill(101),
      alice,
      bob.did,
      { ...context, network: 'other' },
      new Uint8Array(1),
    ),
    'sealed by another': sealBoxWith(
      new Uint8Array(32).fill(101),
      carol,
      bob.did,
      context,
      new Uint8Array(1),
    ),
    'a version to come': encodeCbor(fields.with(0, 2)),
    'a byte behind': Uint8Array.from([...box, 0]),
  };
  const refused = Object.entries(others).map(([what, bytes]) => ({
    what,
    fault: openBox(bob, alice.did, context, bytes),
    bytes: toHex(bytes),
  }));
  return { valid, refused };
}
