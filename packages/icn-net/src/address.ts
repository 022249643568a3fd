import { isIPv4, isIPv6 } from 'node:net';
import { isDid, type Did } from '@icn/identity';
import { NetError } from './errors.js';

/** Where a node listens, parsed from `SCHEME://HOST:PORT` with an optional `?did=DID`. A hint, never an identity. */
export interface Address {
  readonly scheme: string;
  /** A host name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  /** 0…65535. */
  readonly port: number;
  /** The DID that is expected there. */
  readonly did?: Did;
}

/** An address is typed by people and sent by strangers; the longest that makes sense is a 253-byte name and a DID. */
const addressLengthMax = 512;
const addressPattern = /^([a-z][a-z0-9+-]*):\/\/(\[[^[\]]*\]|[^[\]:/?#@\s]+):([0-9]+)(?:\?(.*))?$/;
const hostLabelPattern = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** RFC 1035 §2.3.4. */
const hostNameLengthMax = 253;

/**
 * Reads `SCHEME://HOST:PORT` or `SCHEME://HOST:PORT?did=DID`, IPv6 hosts in brackets.
 *
 * @throws NetError `address-invalid`, naming the part that is wrong.
 */
export function parseAddress(text: string): Address {
  const refuse = (why: string): never => {
    const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
    throw new NetError(
      'address-invalid',
      `${JSON.stringify(shown)} is not an address: ${why} (for example quic://192.168.1.7:4321 or quic://[::1]:4321)`,
    );
  };
  if (text.length > addressLengthMax) return refuse(`longer than ${addressLengthMax} characters`);
  const match = addressPattern.exec(text);
  if (match === null) return refuse('it must read SCHEME://HOST:PORT, with an IPv6 host in brackets');
  const [, scheme = '', hostText = '', portText = '', query] = match;

  const host = parseHost(hostText);
  if (host === undefined)
    return refuse(`${JSON.stringify(hostText)} is no host name, IPv4 or [IPv6] address`);
  const port = Number(portText);
  if (port > 65535 || String(port) !== portText) return refuse(`${portText} is no port from 0 to 65535`);
  if (query === undefined) return { scheme, host, port };

  const did = query.startsWith('did=') ? query.slice('did='.length) : '';
  if (did === '') return refuse('after ? there may be did=DID and nothing else');
  if (!isDid(did)) return refuse(`${did} is no DID`);
  return { scheme, host, port, did };
}

/** Writes an address the one way that `parseAddress` reads it. */
export function formatAddress(address: Address): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const query = address.did === undefined ? '' : `?did=${address.did}`;
  return `${address.scheme}://${host}:${address.port}${query}`;
}

function parseHost(text: string): string | undefined {
  const lower = text.toLowerCase();
  if (lower.startsWith('[')) {
    const inner = text.slice(1, -1);
    return isIPv6(inner) ? inner : undefined;
  }
  if (isIPv4(lower)) return lower;
  if (lower.length > hostNameLengthMax) return undefined;
  const labels = lower.split('.');
  if (!labels.every((label) => hostLabelPattern.test(label))) return undefined;
  // A last label of digits is a broken IPv4 address, which resolvers would read as something else ("127.1").
  return /^[0-9]+$/.test(labels.at(-1) ?? '') ? undefined : lower;
}
