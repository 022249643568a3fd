import { describe, expect, it } from '@jest/globals';
import { HandshakeAdmission, sourceOf } from '../src/admission.js';
import { defaultQuicLimits } from '../src/quic/limits.js';
import { parsePacketHeader } from '../src/quic/packet-header.js';

describe('the admission of handshakes', () => {
  const limits = { ...defaultQuicLimits, handshakesMax: 3, handshakesPerSourceMax: 2 };

  it('caps them per source and in all, and gives a place back once', () => {
    const admission = new HandshakeAdmission(limits);
    const first = admission.admit('192.0.2.1');
    admission.admit('192.0.2.1');
    expect(admission.admit('192.0.2.1')).toBe('handshake-source-cap');
    admission.admit('192.0.2.2');
    expect(admission.admit('192.0.2.3')).toBe('handshake-cap');
    if (typeof first === 'string') throw new Error('not admitted');
    first();
    first();
    expect(typeof admission.admit('192.0.2.1')).toBe('function');
    expect(admission.admit('192.0.2.3')).toBe('handshake-cap');
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s pays as %s', (host, source) => {
    expect(sourceOf(host)).toBe(source);
  });
});

describe('a packet header', () => {
  it('is read up to the last byte that it needs, and no further', () => {
    const long = Buffer.from([0xc3, 0, 0, 0, 1, 2, 0xaa, 0xbb, 3, 1, 2, 3]);
    expect(parsePacketHeader(long)).toEqual({
      form: 'long',
      destination: '\u00aa\u00bb',
      version: 1,
      typeBits: 0,
      sourceStart: 9,
      sourceEnd: 12,
    });
    for (let length = 0; length < long.length; length += 1) {
      expect(parsePacketHeader(long.subarray(0, length))).toBeUndefined();
    }
    const short = Buffer.concat([Uint8Array.of(0x40), Buffer.alloc(16, 7), Uint8Array.of(1)]);
    expect(parsePacketHeader(short)).toMatchObject({ form: 'short', destination: '\u0007'.repeat(16) });
    expect(parsePacketHeader(short.subarray(0, 17))).toBeUndefined();
  });
});
