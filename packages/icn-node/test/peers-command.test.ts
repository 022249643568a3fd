import { generateKeyPair } from '@icn/identity';
import { describe, expect, it } from '@jest/globals';
import { ControlServer } from '../src/control/control-server.js';
import { eventually, runIcn } from '../src/demo/icn-process.js';
import { createNode } from '../src/index.js';
import { afterTest, temporaryFolder } from './support/temporary.js';

describe('icn peers', () => {
  it.each([
    ['quic', { packetsLost: expect.any(Number) }, 'packets lost'],
    ['tls', { packetsLost: null }, 'round trip'],
  ])('tells of a link over %s what it cost, and of who is sought', async (scheme, measured, shown) => {
    const there = await createNode({ listen: [`${scheme}://127.0.0.1:0`], mdns: false });
    afterTest(() => there.close());
    const dataDir = await temporaryFolder();
    const lost = generateKeyPair().did;
    const nobody = `tls://127.0.0.1:9?did=${lost}`;
    const node = await createNode({ dataDir, listen: [], mdns: false, peers: [...there.addresses, nobody] });
    afterTest(() => node.close());
    const control = await ControlServer.start(node, dataDir);
    afterTest(() => control.close());
    await eventually(
      async () => node.status(),
      ({ peers, sought }) => typeof peers[0]?.roundTripMs === 'number' && (sought[0]?.failureCount ?? 0) > 0,
      10_000,
    );
    const { stdout } = await runIcn(['peers', '--json', '--data-dir', dataDir]);
    const { peers, sought, blocked } = JSON.parse(stdout) as ReturnType<typeof node.status>;
    expect(peers).toEqual([
      {
        state: 'connected',
        did: there.did,
        address: there.addresses[0],
        transport: scheme,
        direction: 'outbound',
        upForMs: expect.any(Number),
        isProtected: expect.any(Boolean),
        isKept: true,
        roundTripMs: expect.any(Number),
        bytesSent: expect.any(Number),
        bytesReceived: expect.any(Number),
        ...measured,
      },
    ]);
    expect(Math.min(peers[0]!.bytesSent!, peers[0]!.bytesReceived!)).toBeGreaterThan(0);
    expect(sought).toMatchObject([{ did: lost, addresses: [nobody], isKept: true }]);
    expect(blocked).toEqual([]);
    const people = (await runIcn(['peers', '--data-dir', dataDir])).stdout;
    expect(people).toContain(shown);
    expect(people).toMatch(
      new RegExp(`^${there.did}  connected  outbound  ${scheme}://127\\.0\\.0\\.1:`, 'm'),
    );
    expect(people).toMatch(
      new RegExp(`^${lost}  (dialling|waiting)  tls://127\\.0\\.0\\.1:9  \\d+ dials? failed`, 'm'),
    );
  });
});
