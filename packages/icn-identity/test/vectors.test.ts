import { createHash, createPublicKey, verify as verifyRaw } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';

import { fromHex } from '../src/bytes.js';
import { backend as portable } from '../src/crypto/portable.js';
import { backend as node } from '../src/node/crypto.js';
import { isValidSignature } from '../src/validity.js';
import { keystoreVectors } from './keystore-vectors.js';
import { buildVectors } from './vectors.js';

// With UPDATE_VECTORS set the files are written anew; their diff is a change of the protocol.
const built = { ...buildVectors(), 'keystore.json': await keystoreVectors() };
const folder = new URL('../vectors/', import.meta.url);

function stored(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
}

describe('vectors', () => {
  it.each(Object.entries(built))('%s says what the code does', (file, vectors) => {
    if (process.env['UPDATE_VECTORS'] !== undefined)
      writeFileSync(new URL(file, folder), `${JSON.stringify(vectors, null, 2)}\n`);
    expect(stored(file)).toEqual(JSON.parse(JSON.stringify(vectors)));
  });

  it.each([
    ['node:crypto', node],
    ['portable', portable],
  ])('signatures.json holds the verdicts of %s', (_, backend) => {
    const rows = stored('signatures.json') as readonly (Readonly<Record<string, string>> & {
      isValid: boolean;
    })[];
    const verdicts = rows.map(({ publicKey, message, signature }) =>
      isValidSignature(backend, fromHex(publicKey!), fromHex(message!), fromHex(signature!)),
    );
    expect(verdicts).toEqual(rows.map(({ isValid }) => isValid));
  });

  it('batch-signatures.json holds proofs that are valid, by hand with node:crypto alone', () => {
    for (const batch of stored('batch-signatures.json') as BatchVector[]) {
      const key = createPublicKey({
        key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(batch.publicKey, 'hex').toString('base64url') },
        format: 'jwk',
      });
      for (const [i, { index, path }] of batch.proofs.entries()) {
        let hash = hashOf(`00${Buffer.from(`${batch.purpose}\0`).toString('hex')}${batch.messages[i]}`);
        for (let height = 0; 64 * height < path.length; height += 1) {
          const beside = path.slice(64 * height, 64 * (height + 1));
          hash = hashOf(
            Math.floor(index / 2 ** height) % 2 === 1 ? `01${beside}${hash}` : `01${hash}${beside}`,
          );
        }
        const signed = Buffer.concat([Buffer.from('icn/batch\0'), Buffer.from(hash, 'hex')]);
        expect(verifyRaw(null, signed, key, Buffer.from(batch.signature, 'hex'))).toBe(true);
      }
    }
  });
});

interface BatchVector {
  readonly publicKey: string;
  readonly purpose: string;
  readonly messages: readonly string[];
  readonly signature: string;
  readonly proofs: readonly { readonly index: number; readonly path: string }[];
}

function hashOf(hex: string): string {
  return createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex');
}
