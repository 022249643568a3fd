import { didFromPublicKey, publicKeyFromDid, type Did } from '@icn/identity';
import { isIPv4 } from 'node:net';
import type { Address } from '../address.js';
import { ipv6Bytes, ipv6Text } from './ipv6.js';

// The wire format of docs/protocol/peer-exchange.md, whose numbers are cited. Each message is the payload of one frame.
//
//   request = 01 wanted:u8 count:u8 place{count}    wanted: 0…32 addresses; count: 0…4
//   place   = transport:u8 port:u16                 where the asker listens, at the address that it is seen at
//   answer  = 02 count:u8 entry{count}              count: 0…32
//   entry   = transport:u8 family:u8 address port:u16 key:bytes(32)

/** A peer at an address: whom to expect there is part of it. */
export type PeerAddress = Address & { readonly did: Did };

/** Where a peer says that it listens; the host is the one that its connection comes from. */
export type ListeningPlace = Pick<Address, 'scheme' | 'port'>;

export type ExchangeMessage =
  | { readonly type: 'request'; readonly wanted: number; readonly listening: readonly ListeningPlace[] }
  /** `skippedCount` entries are of transports, or have keys, that this version does not know. */
  | { readonly type: 'answer'; readonly addresses: readonly PeerAddress[]; readonly skippedCount: number }
  | { readonly type: 'unknown' };

export const exchangeAddressesMax = 32;
export const exchangePlacesMax = 4;

const kinds = { request: 1, answer: 2 } as const;
const schemeByNumber: ReadonlyMap<number, string> = new Map([
  [1, 'quic'],
  [2, 'tls'],
]);
const numberByScheme = new Map([...schemeByNumber].map(([number, scheme]) => [scheme, number]));
const placeBytes = 3;
const keyBytes = 32;
const addressBytesByFamily: ReadonlyMap<number, number> = new Map([
  [4, 4],
  [6, 16],
]);

/** The longest message: an answer with 32 IPv6 addresses. */
export const exchangeBytesMax = 2 + exchangeAddressesMax * (1 + 1 + 16 + 2 + keyBytes);

/** Whether a scheme has a number in this format. */
export function isExchangeable(scheme: string): boolean {
  return numberByScheme.has(scheme);
}

/** Writes a request for up to `wanted` addresses; of `listening`, the first 4 that have a number and a port. */
export function encodeRequest(wanted: number, listening: readonly ListeningPlace[]): Uint8Array {
  const places = listening
    .filter(({ scheme, port }) => isExchangeable(scheme) && port !== 0)
    .slice(0, exchangePlacesMax);
  const parts = places.flatMap(({ scheme, port }) => [numberByScheme.get(scheme)!, port >>> 8, port & 0xff]);
  return Uint8Array.of(kinds.request, Math.min(wanted, exchangeAddressesMax), places.length, ...parts);
}

/** Writes an answer of at most 32 addresses, which are literal and exchangeable. */
export function encodeAnswer(addresses: readonly PeerAddress[]): Uint8Array {
  const all = addresses.slice(0, exchangeAddressesMax);
  const parts = all.flatMap(({ scheme, host, port, did }) => {
    const address = isIPv4(host) ? [4, ...host.split('.').map(Number)] : [6, ...ipv6Bytes(host)];
    return [numberByScheme.get(scheme)!, ...address, port >>> 8, port & 0xff, ...publicKeyFromDid(did)];
  });
  return Uint8Array.of(kinds.answer, all.length, ...parts);
}

/** Reads a message; `undefined` where it is malformed. Total. */
export function decodeExchange(bytes: Uint8Array): ExchangeMessage | undefined {
  if (bytes[0] === kinds.request) return decodeRequest(bytes);
  if (bytes[0] === kinds.answer) return decodeAnswer(bytes);
  return bytes.length === 0 ? undefined : { type: 'unknown' };
}

function decodeRequest(bytes: Uint8Array): ExchangeMessage | undefined {
  const [, wanted, count] = bytes;
  if (wanted === undefined || wanted > exchangeAddressesMax) return undefined;
  if (count === undefined || count > exchangePlacesMax) return undefined;
  if (bytes.length !== 3 + count * placeBytes) return undefined;
  const listening: ListeningPlace[] = [];
  for (let offset = 3; offset < bytes.length; offset += placeBytes) {
    const port = bytes[offset + 1]! * 0x100 + bytes[offset + 2]!;
    if (port === 0) return undefined;
    const scheme = schemeByNumber.get(bytes[offset]!);
    if (scheme !== undefined) listening.push({ scheme, port });
  }
  return { type: 'request', wanted, listening };
}

function decodeAnswer(bytes: Uint8Array): ExchangeMessage | undefined {
  const [, count] = bytes;
  if (count === undefined || count > exchangeAddressesMax) return undefined;
  const addresses: PeerAddress[] = [];
  let offset = 2;
  for (let i = 0; i < count; i++) {
    const addressBytes = addressBytesByFamily.get(bytes[offset + 1] ?? 0);
    if (addressBytes === undefined) return undefined;
    const end = offset + 2 + addressBytes + 2 + keyBytes;
    if (end > bytes.length) return undefined;
    const entry = readEntry(bytes.subarray(offset, end), addressBytes);
    if (entry === 'malformed') return undefined;
    if (entry !== undefined) addresses.push(entry);
    offset = end;
  }
  if (offset !== bytes.length) return undefined;
  return { type: 'answer', addresses, skippedCount: count - addresses.length };
}

function readEntry(entry: Uint8Array, addressBytes: number): PeerAddress | 'malformed' | undefined {
  const address = entry.subarray(2, 2 + addressBytes);
  const port = entry[2 + addressBytes]! * 0x100 + entry[3 + addressBytes]!;
  if (port === 0) return 'malformed';
  const scheme = schemeByNumber.get(entry[0]!);
  const did = didOf(entry.slice(-keyBytes));
  if (scheme === undefined || did === undefined) return undefined;
  return { scheme, host: addressBytes === 4 ? address.join('.') : ipv6Text(address), port, did };
}

function didOf(key: Uint8Array): Did | undefined {
  try {
    return didFromPublicKey(key);
  } catch {
    return undefined;
  }
}
