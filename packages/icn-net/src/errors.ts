import type { CloseReason } from './protocol.js';

export type NetErrorCode =
  | 'address-invalid'
  | 'address-in-use'
  | 'address-unavailable'
  | 'platform-unsupported'
  | 'dial-failed'
  | 'dial-timeout'
  | 'peer-unproven'
  | 'peer-mismatch'
  | 'connection-closed'
  | 'stream-reset'
  | 'frame-too-large'
  | 'frame-truncated'
  | 'aborted';

export interface NetErrorOptions extends ErrorOptions {
  readonly reason?: CloseReason;
}

/** Every failure of the world that `@icn/net` reports; `code` is a closed set, the message says what to do. */
export class NetError extends Error {
  override readonly name = 'NetError';
  readonly code: NetErrorCode;
  /** Who closed the connection and why, where that is what happened. */
  readonly reason: CloseReason | undefined;

  constructor(code: NetErrorCode, message: string, options?: NetErrorOptions) {
    super(message, options);
    this.code = code;
    this.reason = options?.reason;
  }
}

/** The `code` of an error of the system, whatever realm it was made in. */
export function systemCodeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : String(error);
}
