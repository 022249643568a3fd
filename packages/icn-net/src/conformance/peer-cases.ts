import assert from 'node:assert/strict';
import { generateKeyPair, type Did } from '@icn/identity';
import { NetError } from '../errors.js';
import type { CloseCode } from '../protocol.js';
import type { Connection } from '../transport.js';
import type { ConformanceCase } from './fixture.js';
import { Bench } from './pair.js';

/** What a refusal was for. */
const pick = ({ reason }: NetError) => reason && { code: reason.code, by: reason.by };

export const peerCases: readonly ConformanceCase[] = [
  {
    name: 'proves to each side who the other is',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { near, far, dialler, acceptor } = await bench.link();
        assert.equal(near.remote, acceptor.keyPair.did);
        assert.equal(far.remote, dialler.keyPair.did);
        assert.deepEqual([near.direction, far.direction], ['outbound', 'inbound']);
        assert.equal(near.remoteAddress.did, acceptor.keyPair.did);
        assert.equal(far.remoteAddress.did, dialler.keyPair.did);
      }),
  },
  {
    name: 'names the DID and a real port in the addresses of a listener',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const side = await bench.side();
        const { listener } = await bench.listen(side);
        for (const address of listener.addresses) {
          assert.equal(address.did, side.keyPair.did);
          assert.equal(address.scheme, side.transport.scheme);
          assert.ok(address.port > 0);
        }
      }),
  },
  {
    name: 'refuses another DID than expected, and hands nothing to the listener',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const acceptor = await bench.side();
        const { listener, address } = await bench.listen(acceptor);
        const first = bench.first(listener);
        const mistaken = await bench.side();
        const expect = generateKeyPair().did;
        await bench.rejects(
          mistaken.transport.dial(address, { expect }),
          'dial of another DID',
          'peer-mismatch',
        );
        const { did: _did, ...bare } = address;
        const dial = mistaken.transport.dial({ ...bare, did: expect });
        await bench.rejects(dial, 'dial of an address with another DID', 'peer-mismatch');

        const right = await bench.side();
        await bench.within(
          right.transport.dial(address, { expect: acceptor.keyPair.did }),
          'dial of the right DID',
        );
        assert.equal((await first).remote, right.keyPair.did, 'only the one who accepted us is handed over');
      }),
  },
  {
    name: 'accepts any proven DID where none is expected',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const acceptor = await bench.side();
        const { address } = await bench.listen(acceptor);
        const { did: _did, ...bare } = address;
        const dialler = await bench.side();
        const connection = await bench.within(dialler.transport.dial(bare), 'dial');
        assert.equal(connection.remote, acceptor.keyPair.did);
      }),
  },
  {
    name: 'refuses to connect to its own DID',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const side = await bench.side();
        const { listener, address } = await bench.listen(side);
        const first = bench.first(listener);
        const { did: _did, ...bare } = address;
        const error = await bench.rejects(side.transport.dial(bare), 'dial of oneself', 'dial-failed');
        assert.equal(error.reason?.code, 'own-did');
        const other = await bench.side();
        await bench.within(other.transport.dial(address), 'dial by another');
        assert.equal((await first).remote, other.keyPair.did);
      }),
  },
  {
    name: 'asks about each proven peer, on both sides, and refuses it by the code it is told',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const blocked = generateKeyPair().did;
        const refused = new Set<Did>([blocked]);
        const admit = (did: Did): CloseCode | undefined => (refused.has(did) ? 'blocked' : undefined);
        const acceptor = await bench.side({ admit });
        const { listener, address } = await bench.listen(acceptor);
        const first = bench.first(listener);
        const unwelcome = await bench.side();
        refused.add(unwelcome.keyPair.did);
        const turnedAway = await bench.rejects(
          unwelcome.transport.dial(address),
          'dial by a refused peer',
          'dial-failed',
        );
        assert.deepEqual(pick(turnedAway), { code: 'blocked', by: 'peer' });
        const choosy = await bench.side({ admit: () => 'blocked' });
        const turnedDown = await bench.rejects(
          choosy.transport.dial(address),
          'dial of a refused peer',
          'dial-failed',
        );
        assert.deepEqual(pick(turnedDown), { code: 'blocked', by: 'us' });
        const welcome = await bench.side({ admit });
        await bench.within(welcome.transport.dial(address), 'dial by an admitted peer');
        assert.equal(
          (await first).remote,
          welcome.keyPair.did,
          'only the one both sides admit is handed over',
        );
      }),
  },
  {
    name: 'cancels dial by its signal',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { transport } = await bench.side();
        const abort = new AbortController();
        const dialling = transport.dial(fixture.nobody, { signal: abort.signal });
        abort.abort();
        await bench.rejects(dialling, 'the cancelled dial', 'aborted');
        await bench.rejects(
          transport.dial(fixture.nobody, { signal: abort.signal }),
          'dial with an aborted signal',
          'aborted',
        );
      }),
  },
  {
    name: 'leaves no connection of a dial that was cancelled on the way',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const acceptor = await bench.side();
        const dialler = await bench.side();
        const { listener, address } = await bench.listen(acceptor);
        const inbound: Connection[] = [];
        void (async () => {
          for await (const connection of listener) inbound.push(connection);
        })();
        // Later and later, until a dial is done before it is cancelled.
        for (let turns = 0, isDone = false; !isDone; turns = Math.ceil(turns * 1.2) + 1) {
          const abort = new AbortController();
          const dialling = dialler.transport.dial(address, { signal: abort.signal });
          const outcome = dialling.catch((error: unknown) => error);
          for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
          abort.abort();
          const settled = await bench.within(outcome, 'the cancelled dial');
          if (settled instanceof NetError) {
            assert.equal(settled.code, 'aborted');
          } else {
            const connection = await dialling;
            assert.ok(await Bench.isPending(connection.closed), 'a signal that comes late ends nothing');
            await connection.close();
            isDone = true;
          }
        }
        assert.ok(inbound.length > 0, 'the dial that was done came in');
        for (const { closed } of inbound) await bench.within(closed, 'the inbound end of a cancelled dial');
      }),
  },
  {
    name: 'gives up a dial to nobody in bounded time',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { transport } = await bench.side();
        await bench.rejects(transport.dial(fixture.nobody), 'dial to nobody', 'dial-timeout', 'dial-failed');
      }),
  },
  {
    name: 'refuses addresses of another scheme',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { transport } = await bench.side();
        const address = { ...fixture.nobody, scheme: 'carrier-pigeon' };
        await bench.rejects(transport.dial(address), 'dial of another scheme', 'address-invalid');
      }),
  },
  {
    name: 'refuses to listen where somebody listens',
    run: (fixture) =>
      Bench.use(fixture, async (bench) => {
        const { address } = await bench.listen(await bench.side());
        const second = await bench.side();
        const listening = second.transport.listen({ host: address.host, port: address.port });
        await bench.rejects(listening, 'listen on a port in use', 'address-in-use');
      }),
  },
];
