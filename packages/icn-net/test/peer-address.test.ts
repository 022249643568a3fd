import { describe, expect, it } from '@jest/globals';
import { PeerAddress } from '../src/quic/peer-address.js';
import type { PathProbes, Probe } from '../src/quic/path-probes.js';

const at = (port: number, host = 'home') => ({ host, port });
const byteCount = 1_200;

/** The address of a peer at home:1, and what was asked about it. */
class Subject {
  readonly asked: Probe[] = [];
  readonly cancelled: Probe[] = [];
  readonly hosts: string[] = [];
  nowMs = 0;
  readonly address: PeerAddress;

  constructor(isPossible = true) {
    const probes: Pick<PathProbes, 'isPossible' | 'ask' | 'cancel'> = {
      isPossible: () => isPossible,
      ask: (probe) => this.asked.push(probe),
      cancel: (probe) => this.cancelled.push(probe),
    };
    this.address = new PeerAddress(at(1), probes as PathProbes, (host) => this.hosts.push(host));
  }

  heard(port: number, host?: string, bytes = byteCount): void {
    if (!this.address.is(at(port, host))) this.address.heardFrom(at(port, host), bytes, this.nowMs);
  }

  /** Lets time pass, as timers would. */
  wait(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.address.wakeAtMs <= endMs) {
      if (this.address.wakeAtMs < this.nowMs) throw new Error('a timer in the past');
      this.nowMs = this.address.wakeAtMs;
      this.address.turn(this.nowMs);
    }
    this.nowMs = endMs;
  }
}

describe('another port', () => {
  it('is sent to at once, asked, and kept where it answers', () => {
    const subject = new Subject();
    subject.heard(2);
    expect(subject.address.current).toEqual(at(2));
    expect(subject.asked.map(({ to }) => to)).toEqual([at(2)]);
    subject.asked[0]!.onAnswer();
    subject.wait(100_000);
    expect(subject.address.current).toEqual(at(2));
    expect(subject.hosts).toEqual([]);
  });

  it('is given up after four questions, 500 ms apart, and then none is believed for a minute', () => {
    const subject = new Subject();
    subject.heard(2);
    subject.wait(1_999);
    expect([subject.address.current, subject.asked.length]).toEqual([at(2), 4]);
    subject.wait(1);
    expect(subject.address.current).toEqual(at(1));
    subject.heard(3);
    expect(subject.address.current).toEqual(at(1));
    subject.asked.at(-1)!.onAnswer();
    expect(subject.address.current).toEqual(at(3));
  });

  it('is not left for what is still under way from the one before', () => {
    const subject = new Subject();
    subject.heard(2);
    subject.heard(1);
    expect(subject.address.current).toEqual(at(2));
  });

  it('is left when the peer is heard where it was, and none is believed for a minute', () => {
    const subject = new Subject();
    subject.heard(2);
    subject.wait(1_000);
    subject.heard(1);
    expect(subject.address.current).toEqual(at(1));
    subject.heard(2);
    expect(subject.address.current).toEqual(at(1));
  });

  it.each([500, 1_500, 1_999])('that changes every %d ms misleads for 2 s a minute at most', (everyMs) => {
    const subject = new Subject();
    let awayMs = 0;
    for (let port = 2; subject.nowMs < 600_000; port += 1) {
      subject.heard(port);
      for (let ms = 0; ms < everyMs; ms += 1) {
        subject.wait(1);
        if (subject.address.current.port !== 1) awayMs += 1;
      }
    }
    expect(awayMs).toBeLessThanOrEqual(10 * 2_000);
  });

  it('on trial is given up in its time although another host is heard meanwhile', () => {
    const subject = new Subject();
    subject.heard(2);
    subject.heard(9, 'elsewhere');
    subject.wait(2_000);
    expect(subject.address.current).toEqual(at(1));
  });

  it('is followed without a question where the peer takes none', () => {
    const subject = new Subject(false);
    subject.heard(2);
    subject.wait(100_000);
    expect([subject.address.current, subject.asked]).toEqual([at(2), []]);
    subject.heard(2, 'elsewhere');
    expect(subject.address.current).toEqual(at(2));
  });
});

describe('another host', () => {
  it('is sent to once it has answered, and not before', () => {
    const subject = new Subject();
    subject.heard(9, 'elsewhere');
    expect(subject.address.current).toEqual(at(1));
    subject.asked[0]!.onAnswer();
    expect(subject.address.current).toEqual(at(9, 'elsewhere'));
    expect(subject.hosts).toEqual(['elsewhere']);
  });

  it('that is silent is asked four times', () => {
    const subject = new Subject();
    subject.heard(9, 'elsewhere');
    subject.wait(100_000);
    expect([subject.asked.length, subject.cancelled.length]).toEqual([4, 4]);
    expect(subject.address.current).toEqual(at(1));
  });

  it('gets no more than three times what was heard from there', () => {
    const subject = new Subject();
    const smallest = 37;
    subject.heard(9, 'elsewhere', smallest);
    subject.wait(10_000);
    const sentBytes = () => subject.asked.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(sentBytes()).toBeGreaterThan(0);
    expect(sentBytes()).toBeLessThanOrEqual(3 * smallest);
    subject.heard(9, 'elsewhere', smallest);
    subject.wait(10_000);
    expect(sentBytes()).toBeLessThanOrEqual(6 * smallest);
  });

  it('gives way to the latest, and its answer is not heard any more', () => {
    const subject = new Subject();
    subject.heard(9, 'elsewhere');
    const [late] = subject.asked;
    subject.heard(9, 'here');
    expect(subject.cancelled).toEqual([late]);
    late!.onAnswer();
    expect(subject.address.current).toEqual(at(1));
  });
});
