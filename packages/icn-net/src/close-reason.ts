import { NetError } from './errors.js';
import { CLOSE_CODES, CLOSE_TEXT_BYTES_MAX, type CloseCode, type CloseReason } from './protocol.js';

const codeByNumber = new Map<number, CloseCode>(
  Object.entries(CLOSE_CODES).map(([code, number]) => [number, code as CloseCode]),
);
const localCodes: ReadonlySet<CloseCode> = new Set(['timeout', 'unknown']);

/** The number that stands for a code on the wire; codes that are not for the wire are sent as `done`. */
export function closeNumber(code: CloseCode): number {
  return CLOSE_CODES[localCodes.has(code) ? 'done' : code];
}

/** The code that a number from the wire stands for; numbers of the future, and of no code on the wire, are `unknown`. */
export function closeCodeOf(number: number): CloseCode {
  const code = codeByNumber.get(number);
  return code === undefined || localCodes.has(code) ? 'unknown' : code;
}

/** The bytes of a close text: UTF-8, cut at a character to what the wire allows. */
export function encodeCloseText(text: string): Uint8Array {
  const bytes = new Uint8Array(CLOSE_TEXT_BYTES_MAX);
  const { written } = new TextEncoder().encodeInto(text, bytes);
  return bytes.subarray(0, written);
}

/** The text in bytes that a peer sent: cut to the bound, broken UTF-8 replaced, control characters taken out. */
export function decodeCloseText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes.subarray(0, CLOSE_TEXT_BYTES_MAX));
  return text.replaceAll(/\p{Cc}/gu, ' ');
}

/** The reason of `connection.close(…)` with its defaults. */
export function ownReason(reason: Partial<CloseReason> | undefined): CloseReason {
  const { code = 'done', text = '', detail } = reason ?? {};
  return { code, by: 'us', text, ...(detail !== undefined && { detail }) };
}

/** A handshake that was not over at its deadline; `wasHeard` says whether the peer had taken part in it. */
export function handshakeTimeout(wasHeard: boolean): CloseReason {
  const reason = { code: 'timeout', by: 'network', text: 'the handshake took too long' } as const;
  return wasHeard ? { ...reason, detail: 'handshake-slow' } : reason;
}

/** The end of a handshake whose place a newcomer has. */
export const handshakeDisplaced: CloseReason = {
  code: 'too-many',
  detail: 'handshake-displaced',
  by: 'us',
  text: 'all places are taken',
};

/** Says a reason in words, for error messages and logs. */
export function describeReason(reason: CloseReason): string {
  const who = { us: 'this node', peer: 'the peer', network: 'the network' }[reason.by];
  return `${reason.code} by ${who}${reason.text === '' ? '' : `: ${reason.text}`}`;
}

/** What reads, writes and waits throw once their connection is gone. */
export function connectionClosed(reason: CloseReason): NetError {
  return new NetError('connection-closed', `the connection is closed (${describeReason(reason)})`, {
    reason,
  });
}
