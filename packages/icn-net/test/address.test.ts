import { describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import fc from 'fast-check';
import { NetError, formatAddress, parseAddress, type Address } from '../src/index.js';

const { did } = generateKeyPair();
const hosts = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.domain().map((name) => name.toLowerCase()),
  fc.constantFrom('localhost', '::', '::1'),
);
const addresses = fc.record({ host: hosts, port: fc.integer({ min: 0, max: 65_535 }), hasDid: fc.boolean() });

describe('an address', () => {
  it('reads as it was written', () => {
    fc.assert(
      fc.property(addresses, ({ host, port, hasDid }) => {
        const address: Address = { scheme: 'quic', host, port, ...(hasDid ? { did } : {}) };
        expect(parseAddress(formatAddress(address))).toEqual(address);
      }),
    );
  });

  it('has one spelling: what is read is written the same', () => {
    for (const text of [
      'quic://[::1]:4321',
      `memory://here:1?did=${did}`,
      'tls://node-1.example.org:65535',
    ]) {
      expect(formatAddress(parseAddress(text))).toBe(text);
    }
  });

  it.each([
    '',
    'quic://',
    'quic://host',
    'quic://host:',
    'quic://host:70000',
    'quic://host:007',
    'quic://host:-1',
    'quic://:1',
    'quic://::1:1',
    'quic://[::1:1',
    'quic://[not-ip]:1',
    'quic://1.2.3:4',
    'quic://256.1.1.1:4',
    'quic://host:1/path',
    'quic://host:1?did=did:icn:zzz',
    'quic://host:1?peer=x',
    `quic://host:1?did=${did}&did=${did}`,
    'QUIC://host:1',
    'quic://user@host:1',
    'quic://ho st:1',
    `quic://${'a'.repeat(600)}:1`,
  ])('refuses %p by a NetError that says how to write it', (text) => {
    expect(() => parseAddress(text)).toThrow(NetError);
    expect(() => parseAddress(text)).toThrow(/for example quic:\/\//);
  });

  it('is read or refused, never anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `quic://${text}`),
        ),
        (text) => {
          try {
            expect(formatAddress(parseAddress(text)).toLowerCase()).toBe(text.toLowerCase());
          } catch (error) {
            expect(error).toMatchObject({ code: 'address-invalid' });
          }
        },
      ),
    );
  });
});
