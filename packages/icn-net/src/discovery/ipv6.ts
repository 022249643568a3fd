import { SocketAddress } from 'node:net';

/** The 16 bytes of an IPv6 address, in any spelling that is valid and without a zone. */
export function ipv6Bytes(address: string): Uint8Array {
  // A URL spells the address in one way (WHATWG URL, host serializing): groups in hexadecimal, none of them dotted.
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const groupsOf = (text = ''): string[] => text.split(':').filter((group) => group !== '');
  const [before, after] = [groupsOf(head), groupsOf(tail)];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return Uint8Array.from(
    [...before, ...zeros, ...after].flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >>> 8, value & 0xff];
    }),
  );
}

/** The spelling of the 16 bytes of an IPv6 address that RFC 5952 recommends. */
export function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    (bytes[2 * i]! * 0x100 + bytes[2 * i + 1]!).toString(16),
  );
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}
