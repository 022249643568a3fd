import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mayBeTold, scopeOf } from '../src/index.js';

describe('the scope of an address', () => {
  it.each([
    ['public', ['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00::1']],
    ['loopback', ['127.0.0.1', '127.255.0.1', '::1']],
    ['private 10.0.0.0/8', ['10.0.0.1', '10.255.255.255']],
    ['private 172.16.0.0/12', ['172.16.0.1', '172.31.255.255']],
    ['private 192.168.0.0/16', ['192.168.0.1']],
    ['private 100.64.0.0/10', ['100.64.0.1', '100.127.255.255']],
    ['private fd0000000001/48', ['fd00:0:1::1', 'fd00:0:1:2:3:4:5:6', 'FD00::1:2:3:4:5:6']],
    [
      'never',
      ['0.0.0.0', '0.1.2.3', '169.254.1.1', '224.0.0.251', '239.1.1.1', '240.0.0.1', '255.255.255.255'],
    ],
    ['never', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '192.0.0.1']],
    [
      'never',
      [
        '::',
        'fe80::1',
        'febf::1',
        'fe80::1%eth0',
        'ff02::fb',
        '2001:db8::1',
        '2002::1',
        '2001::1',
        '64:ff9b::1',
      ],
    ],
    ['never', ['::ffff:8.8.8.8', '::ffff:7f00:1', '0:0:0:0:0:ffff:a00:1', '::8.8.8.8', 'fec0::1']],
    ['never', ['', 'example.org', 'localhost', '127.1', '8.8.8', '1.2.3.4.5', 'x::1']],
  ])('is %s', (scope, hosts) => {
    expect(hosts.map(scopeOf)).toEqual(hosts.map(() => scope));
  });

  it('is never loopback, private or never where it may be told to or by a public network', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6());
    const vantage = host.filter((each) => scopeOf(each) === 'public');
    fc.assert(
      fc.property(host, vantage, (each, from) => {
        expect(mayBeTold(each, from)).toBe(scopeOf(each) === 'public');
      }),
      { numRuns: 1_000 },
    );
  });
});
