import { describe, expect, it } from '@jest/globals';
import { HandshakeAdmission, sourceOf } from '../src/admission.js';
import { SourceBudget } from '../src/source-budget.js';
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
    first.leave();
    first.leave();
    expect(typeof admission.admit('192.0.2.1')).toBe('object');
    expect(admission.admit('192.0.2.3')).toBe('handshake-cap');
  });

  it('gives the place of the oldest to a newcomer, once that is no longer young', () => {
    let nowMs = 0;
    const admission = new HandshakeAdmission(limits, () => nowMs);
    const displaced: string[] = [];
    const admit = (host: string): unknown => {
      const place = admission.admit(host);
      if (typeof place === 'string') return place;
      place.onDisplaced = () => displaced.push(host);
      return place;
    };
    for (const host of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
      admit(host);
      nowMs += 100;
    }
    nowMs = 1999;
    expect(admit('192.0.2.4')).toBe('handshake-cap');
    nowMs = 2000;
    expect(admit('192.0.2.4')).toBeInstanceOf(Object);
    expect(displaced).toEqual(['192.0.2.1']);
    expect(admit('192.0.2.5')).toBe('handshake-cap');
    nowMs = 2100;
    // The newcomer may be of the source whose place it takes.
    expect(admit('192.0.2.2')).toBeInstanceOf(Object);
    expect(displaced).toEqual(['192.0.2.1', '192.0.2.2']);
    nowMs = 100_000;
    expect([admit('192.0.2.2'), admit('192.0.2.2')]).toEqual([expect.any(Object), 'handshake-source-cap']);
  });

  it('keeps a share of each bound from those who have not shown their address', () => {
    const admission = new HandshakeAdmission({ ...limits, handshakesMax: 4, handshakesPerSourceMax: 4 });
    for (const host of ['192.0.2.1', '192.0.2.2']) {
      expect(admission.hasShare(host, 0.5)).toBe(true);
      admission.admit(host);
    }
    expect(admission.hasShare('192.0.2.3', 0.5)).toBe(false);
    expect(admission.hasShare('192.0.2.3', 1)).toBe(true);
    const ofSource = new HandshakeAdmission({ ...limits, handshakesMax: 64, handshakesPerSourceMax: 4 });
    ofSource.admit('192.0.2.1');
    ofSource.admit('192.0.2.1');
    expect(ofSource.hasShare('192.0.2.1', 0.5)).toBe(false);
    expect(ofSource.hasShare('192.0.2.2', 0.5)).toBe(true);
  });

  it('has a budget for each source that giving places back does not restore, and time does', () => {
    let nowMs = 0;
    const budgeted = { ...limits, handshakesPerSourceBurst: 4, handshakesPerSourceRate: 10 };
    const admission = new HandshakeAdmission(budgeted, () => nowMs);
    const reconnect = (host: string): unknown => {
      const place = admission.admit(host);
      return typeof place === 'string' ? place : place.leave();
    };
    for (let i = 0; i < 4; i += 1) {
      expect(admission.hasShare('192.0.2.1', 0.5)).toBe(i < 2);
      expect(reconnect('192.0.2.1')).toBeUndefined();
    }
    expect(reconnect('192.0.2.1')).toBe('handshake-source-budget');
    expect(reconnect('192.0.2.2')).toBeUndefined();
    expect(reconnect('2001:db8::1')).toBeUndefined();
    expect(admission.admit('192.0.2.1')).toBe('handshake-source-budget');
    nowMs += 99;
    expect(reconnect('192.0.2.1')).toBe('handshake-source-budget');
    nowMs += 1;
    expect(reconnect('192.0.2.1')).toBeUndefined();
    expect(reconnect('192.0.2.1')).toBe('handshake-source-budget');
    nowMs += 10_000;
    for (let i = 0; i < 4; i += 1) expect(reconnect('192.0.2.1')).toBeUndefined();
    expect(reconnect('192.0.2.1')).toBe('handshake-source-budget');
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

describe('the budgets of sources', () => {
  const budgetLimits = { handshakesPerSourceBurst: 100, handshakesPerSourceRate: 10 };

  it('are forgotten once they are full, and bounded in number', () => {
    const budget = new SourceBudget(budgetLimits);
    for (let i = 0; i < 5000; i += 1) budget.spend(`source ${i}`, 0);
    expect(budget.sourceCount).toBe(1024);
    budget.spend('late', 100);
    expect(budget.sourceCount).toBe(1);
  });

  it('that are drawn on most outlive those that are drawn on a little, however many those are', () => {
    const budget = new SourceBudget(budgetLimits);
    for (let i = 0; i < 100; i += 1) expect(budget.spend('heavy', 0)).toBe(true);
    for (let i = 0; i < 5000; i += 1) expect(budget.spend(`source ${i}`, 0)).toBe(true);
    expect(budget.spend('heavy', 0)).toBe(false);
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
