// What two judges of `pnpm verdicts` and `pnpm browser` said, side by side.

/** @import { Verdicts } from '../packages/icn-identity/test/browser-verdicts.ts' */

/**
 * Where two judges differ, or what they make is not what is stored: one line for each, none where all is well.
 *
 * @param {Verdicts} ours
 * @param {Verdicts} theirs
 * @param {Readonly<Record<string, unknown>>} stored
 */
export function deviations(ours, theirs, stored) {
  const made = Object.entries(theirs.vectors)
    .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(stored[name]))
    .map(([name]) => `${name} is made otherwise`);
  const unmade = Object.keys(stored).filter((name) => !(name in theirs.vectors));
  const expected = /** @type {readonly { isValid: boolean }[]} */ (stored['signatures.json']);
  const told = expected.map(({ isValid }) => Number(isValid)).join('');
  const judged = /** @type {const} */ (['signatures', 'batches', 'mutations', 'signed']).flatMap((kind) =>
    differing(kind, ours[kind], theirs[kind]),
  );
  return [
    ...made,
    ...unmade.map((name) => `${name} is not made`),
    ...differing('signatures.json', told, theirs.signatures),
    ...differing('RFC 8032', '1'.repeat(theirs.signed.length), theirs.signed),
    ...judged,
  ];
}

/**
 * @param {string} kind
 * @param {string} ours
 * @param {string} theirs
 */
function differing(kind, ours, theirs) {
  if (ours === theirs) return [];
  const at = ours.split('').findIndex((digit, index) => digit !== theirs[index]);
  return [`${kind}: ${ours.length} against ${theirs.length} verdicts, number ${at} is another`];
}

/**
 * How many of each were judged.
 *
 * @param {Verdicts} verdicts
 */
export function countsOf({ vectors, signatures, batches, mutations, signed }) {
  return {
    vectorFiles: Object.keys(vectors).length,
    signatures: signatures.length,
    batchProofs: batches.length,
    mutations: mutations.length,
    validMutations: mutations.replaceAll('0', '').length,
    signed: signed.length,
  };
}
