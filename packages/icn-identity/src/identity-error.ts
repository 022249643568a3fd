/**
 * What went wrong, as a closed set.
 *
 * - `did-invalid`: a text is not the one spelling of a DID.
 * - `key-invalid`: bytes are not a public key (32 bytes, canonical, not of small order) or a seed (32 bytes).
 * - `hex-invalid`: a text is not lower-case hexadecimal of whole bytes.
 * - `envelope-invalid`: an envelope was to be made that no reader would take, or something else was given in place of one
 *   that was opened.
 * - `box-invalid`: a box was to be sealed or opened with a text or context that no box may have.
 * - `replay-corrupt`: what a replay guard remembered was changed or lost.
 * - `replay-store`: the store of a replay guard failed, or was closed; `cause` is its error.
 * - `statement-invalid`: a trust statement was to be made that no reader would take.
 * - `identity-missing`: there is no identity file at the path.
 * - `identity-corrupt`: the file or backup is damaged: not of the format, its checksum is not that of its content,
 *   or its seed does not make its DID.
 * - `identity-version`: it was written by a later version of this package.
 * - `identity-cost`: opening it would take more memory or work than this package grants.
 * - `identity-permissions`: others than its owner may read or write the file.
 * - `identity-locked`: it is encrypted, and no passphrase was given.
 * - `identity-busy`: another process is changing the file.
 * - `identity-exists`: there is another identity where one was to be written.
 * - `identity-retired`: a statement says that the identity goes on under another key.
 * - `rotation-begun`: a rotation of the identity has to be ended first.
 * - `rotation-network`: a rotation was begun in another network.
 * - `identity-io`: the system refused an operation; `cause` is its error.
 * - `passphrase-wrong`: the passphrase does not open a file that is whole.
 * - `passphrase-invalid`: a text cannot be a passphrase, or is too short to be a new one.
 *
 * With every code but `identity-io`, `identity-busy` and `replay-store` nothing was written. After `identity-io` from a
 * change the identity file is the old one or the new one, never half of one: reading it tells.
 */
export type IdentityErrorCode =
  | 'did-invalid'
  | 'key-invalid'
  | 'hex-invalid'
  | 'envelope-invalid'
  | 'box-invalid'
  | 'replay-corrupt'
  | 'replay-store'
  | 'statement-invalid'
  | 'identity-missing'
  | 'identity-corrupt'
  | 'identity-version'
  | 'identity-cost'
  | 'identity-permissions'
  | 'identity-locked'
  | 'identity-busy'
  | 'identity-exists'
  | 'identity-retired'
  | 'rotation-begun'
  | 'rotation-network'
  | 'identity-io'
  | 'passphrase-wrong'
  | 'passphrase-invalid';

/** The one error class of this package; `code` says which failure, `message` what to do about it. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
  readonly code: IdentityErrorCode;

  constructor(code: IdentityErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
