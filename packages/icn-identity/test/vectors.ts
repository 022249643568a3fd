import { toHex } from '../src/bytes.js';
import { encodeCbor, type Cbor } from '../src/cbor.js';
import { boxVectors, envelopeVectors, rotationVectors } from './envelope-vectors.js';
import { didVectors, keystoreVectors } from './key-vectors.js';
import { trustVectors } from './trust/trust-vectors.js';

/** What docs/protocol says, as bytes: the files of `vectors/`, each by its name. */
export async function buildVectors(): Promise<Readonly<Record<string, unknown>>> {
  return {
    'cbor.json': cborVectors(),
    'dids.json': didVectors(),
    'envelopes.json': envelopeVectors(),
    'keystore.json': await keystoreVectors(),
    'rotations.json': rotationVectors(),
    'sealed-boxes.json': boxVectors(),
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
