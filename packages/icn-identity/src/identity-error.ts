/**
 * What went wrong, as a closed set.
 *
 * - `did-invalid`: a text is not the one spelling of a DID.
 * - `key-invalid`: bytes are not a public key (32 bytes, canonical, not of small order) or a seed (32 bytes).
 * - `hex-invalid`: a text is not lower-case hexadecimal of whole bytes.
 * - `envelope-invalid`: an envelope was to be made that no reader would take.
 * - `box-invalid`: a box was to be sealed or opened with a text or context that no box may have.
 * - `replay-corrupt`: what a replay guard remembered was changed or lost.
 * - `replay-store`: the store of a replay guard failed, or was closed; `cause` is its error.
 * - `statement-invalid`: a trust statement was to be made that no reader would take.
 * - `identity-missing`: there is no identity file at the path.
 * - `identity-corrupt`: the file is not an identity file, or its seed does not make its DID.
 * - `identity-version`: the file was written by a later version of this package.
 * - `identity-permissions`: others than its owner may read or write the file.
 * - `identity-io`: the system refused an operation; `cause` is its error.
 *
 * With every code but `identity-io` and `replay-store` nothing was written. After `identity-io` from a creation the identity may
 * or may not be there, but is never half there: reading it tells.
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
  | 'identity-permissions'
  | 'identity-io';

/** The one error class of this package; `code` says which failure, `message` what to do about it. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
  readonly code: IdentityErrorCode;

  constructor(code: IdentityErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
