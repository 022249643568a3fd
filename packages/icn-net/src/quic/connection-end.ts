import { closeCodeOf, decodeCloseText } from '../close-reason.js';
import type { CloseDetail, CloseReason } from '../protocol.js';
import type { NativeConnection } from './native.js';

/** Why quiche is done with a connection that this node did not close: what the peer said, silence, or a broken rule. */
export function endOf(native: NativeConnection, refusedBecause: string): CloseReason {
  const peer = native.peerError();
  if (peer !== null) {
    const text = decodeCloseText(peer.reason);
    if (peer.isApp) return { code: closeCodeOf(peer.errorCode), by: 'peer', text };
    return { code: 'unknown', by: 'peer', text: describeTransportError(peer.errorCode, text) };
  }
  if (native.isTimedOut()) return { code: 'timeout', by: 'network', text: 'nothing heard any more' };
  const local = native.localError();
  if (local === null) return { code: 'unknown', by: 'network', text: refusedBecause };
  const text = describeTransportError(local.errorCode, refusedBecause);
  if (!isTlsAlert(local.errorCode)) return { code: 'protocol-error', by: 'us', text };
  const detail = tlsAlertDetails.get(local.errorCode - tlsAlertBase);
  return { code: 'unknown', by: 'us', text, ...(detail !== undefined && { detail }) };
}

/** RFC 9000 §20.1: 0x100 and the TLS alert number. */
const tlsAlertBase = 0x100;
const tlsAlerts = new Map([
  [40, 'handshake failure'],
  [42, 'bad certificate'],
  [43, 'unsupported certificate'],
  [51, 'decrypt error'],
  [70, 'protocol version'],
  [116, 'certificate required'],
  [120, 'no application protocol in common'],
]);

/** Those that say what was wrong with the peer (RFC 8446 §6.2, RFC 7301 §3.2). */
const tlsAlertDetails = new Map<number, CloseDetail>([
  [116, 'certificate-missing'],
  [120, 'alpn-mismatch'],
]);

/** Whether quiche understood the peer, and gave up on what it asked for; otherwise it could make nothing of what came. */
export function endedByTls(native: NativeConnection): boolean {
  return isTlsAlert(native.localError()?.errorCode ?? 0);
}

function isTlsAlert(code: number): boolean {
  return code >= tlsAlertBase && code < 2 * tlsAlertBase;
}

function describeTransportError(code: number, text: string): string {
  const alert = isTlsAlert(code) ? code - tlsAlertBase : undefined;
  const name = alert === undefined ? `QUIC error ${code}` : `TLS alert ${alert}`;
  const meaning = alert === undefined ? undefined : tlsAlerts.get(alert);
  return [name, meaning, text === '' ? undefined : text].filter((part) => part !== undefined).join(': ');
}
