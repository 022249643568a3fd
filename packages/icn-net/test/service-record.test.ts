import { describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@icn/identity';
import { Links } from '../src/mdns/links.js';
import { peerOf, type ServiceClaim } from '../src/mdns/service-record.js';

const { did } = generateKeyPair();
const udp = '_icn._udp.local';
const txt = { transport: 'quic', port: '4321', did, version: '1', network: 'icn' };
const referer = { address: '192.0.2.7' };
const wanted = { transports: ['quic', 'tls'], network: 'icn' };
const links = new Links([
  { name: 'lo', addresses: [{ address: '127.0.0.1', prefixBits: 8 }] },
  {
    name: 'eth0',
    scopeId: 2,
    addresses: [
      { address: '192.0.2.1', prefixBits: 24 },
      { address: '2001:db8::1', prefixBits: 64 },
      { address: 'fe80::1', prefixBits: 64 },
    ],
  },
]);

function hostsOf(claim: ServiceClaim): readonly string[] | string {
  const peer = peerOf({ port: 4321, txt, ...claim }, udp, wanted, links);
  return typeof peer === 'string' ? peer : peer.addresses.map(({ host }) => host);
}

describe('a service record', () => {
  it('names a peer by the address that it came from, then by the others that it names', () => {
    const addresses = ['192.0.2.8', '2001:db8::7', '192.0.2.7'];
    const host = (each: string) => ({ scheme: 'quic', host: each, port: 4321, did });
    expect(peerOf({ txt, referer, addresses, port: 4321 }, udp, wanted, links)).toEqual({
      did,
      addresses: ['192.0.2.7', '192.0.2.8', '2001:db8::7'].map(host),
    });
    expect(hostsOf({ referer, addresses: ['192.0.2.8'] })).toEqual(['192.0.2.8', '192.0.2.7']);
    expect(hostsOf({ referer })).toEqual(['192.0.2.7']);
  });

  it.each([
    [{ txt: undefined }],
    [{ txt: 'text' }],
    [{ txt: { ...txt, did: 'did:icn:z' } }],
    [{ txt: { ...txt, did: 7 } }],
    [{ txt: { ...txt, port: '4322' } }],
    [{ txt: { ...txt, port: '0' }, port: 0 }],
    [{ txt: { ...txt, version: '2' } }],
    [{ txt: { ...txt, transport: 'tls' } }],
    [{ port: '4321' }],
  ])('%j is refused', (claim) => {
    expect(hostsOf({ referer, ...claim })).toBe('txt-invalid');
  });

  it('of another network, or of a transport that cannot be dialled, is none of ours', () => {
    expect(hostsOf({ referer, txt: { ...txt, network: 'other' } })).toBe('other-network');
    expect(peerOf({ referer, port: 4321, txt }, udp, { ...wanted, transports: ['tls'] }, links)).toBe(
      'transport-unknown',
    );
    expect(
      peerOf({ referer, port: 4321, txt: { ...txt, transport: 'tls' } }, '_icn._tcp.local', wanted, links),
    ).toEqual({ did, addresses: [{ scheme: 'tls', host: '192.0.2.7', port: 4321, did }] });
  });

  it('sends nobody to an address that is not on link, nor to our own loopback from elsewhere', () => {
    const elsewhere = [
      '8.8.8.8',
      '127.0.0.1',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
      '::1',
      '::',
      'ff02::1',
    ];
    expect(
      hostsOf({ referer, addresses: [...elsewhere, '::ffff:192.0.2.9', 'example.org', 7, '192.0.2.9'] }),
    ).toEqual(['192.0.2.9', '192.0.2.7']);
    expect(hostsOf({ referer: { address: '198.51.100.1' }, addresses: ['8.8.8.8'] })).toBe('off-link');
    expect(hostsOf({ referer: { address: '127.0.0.1' } })).toEqual(['127.0.0.1']);
    expect(hostsOf({ addresses: ['8.8.8.8'] })).toBe('off-link');
  });

  it('names link-local IPv6 by the scope it was heard by, last; without one it cannot be dialled', () => {
    const addresses = ['fe80::7', '2001:db8::7'];
    expect(hostsOf({ referer: { address: 'fe80::7%eth0' }, addresses })).toEqual([
      '2001:db8::7',
      'fe80::7%eth0',
    ]);
    expect(hostsOf({ referer, addresses })).toEqual(['2001:db8::7', '192.0.2.7']);
    // A host that listens on IPv4 alone speaks from such an address too.
    expect(hostsOf({ referer: { address: 'fe80::7%eth0' }, addresses: ['192.0.2.7'] })).toEqual([
      '192.0.2.7',
    ]);
  });

  it('keeps a bounded number of addresses', () => {
    const addresses = Array.from({ length: 300 }, (_, i) => `192.0.2.${i & 255}`);
    expect(hostsOf({ referer, addresses }).length).toBe(8);
  });
});
