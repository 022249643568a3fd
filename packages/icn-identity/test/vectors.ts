import { toHex } from '../src/bytes.js';
import { signBatch } from '../src/batch-signature.js';
import { encodeCbor, type Cbor } from '../src/cbor.js';
import { boxVectors, envelopeVectors, rotationVectors } from './envelope-vectors.js';
import { didVectors } from './key-vectors.js';
import { keyPairFromSeed } from '../src/key-pair.js';
import { accepted, refused, rfc8032, type Case } from './signature-cases.js';
import { trustVectors } from './trust/trust-vectors.js';

/** What docs/protocol says, as bytes: the files of `vectors/` that any backend makes, each by its name. */
export function buildVectors(): Readonly<Record<string, unknown>> {
  return {
    'batch-signatures.json': batchVectors(),
    'cbor.json': cborVectors(),
    'dids.json': didVectors(),
    'envelopes.json': envelopeVectors(),
    'rotations.json': rotationVectors(),
    'sealed-boxes.json': boxVectors(),
    'signatures.json': signatureVectors(),
    'trust.json': trustVectors(),
  };
}

function cborVectors() {
  const values: readonly Cbor[] = [
    0,
    23,
    24,
    255,
    256,
    65_535,
    65_536,
    4_294_967_295,
    4_294_967_296,
    Number.MAX_SAFE_INTEGER,
    true,
    false,
    null,
    '',
    'ü🙂',
    [],
    [[1], 'a'],
  ];
  return values.map((value) => ({ value, hex: toHex(encodeCbor(value)) }));
}

/** What is valid and what is not, of bare Ed25519: the purpose is part of the message here. */
function signatureVectors() {
  const named = rfc8032.map(({ name, publicKey, message, signature }) => {
    return { name: `RFC 8032 ${name}`, publicKey, message, signature, isValid: true };
  });
  const rows = (cases: readonly Case[], isValid: boolean) =>
    cases.map(({ name, publicKey, message, signature }) => {
      return {
        name,
        publicKey: toHex(publicKey),
        message: toHex(message),
        signature: toHex(signature),
        isValid,
      };
    });
  return [...named, ...rows(accepted, true), ...rows(refused, false)];
}

/** Batches of one message, of as many as fill a tree, and of fewer. */
function batchVectors() {
  const keyPair = keyPairFromSeed(new Uint8Array(32).fill(7));
  return [1, 2, 3, 8].map((count) => {
    const messages = Array.from({ length: count }, (_, i) => Uint8Array.of(i, i));
    const proofs = signBatch(keyPair, 'icn/entry', messages);
    return {
      seed: toHex(keyPair.seed),
      publicKey: toHex(keyPair.publicKey),
      purpose: 'icn/entry',
      messages: messages.map(toHex),
      signature: toHex(proofs[0]!.signature),
      proofs: proofs.map(({ index, path }) => ({ index, path: toHex(path) })),
    };
  });
}
