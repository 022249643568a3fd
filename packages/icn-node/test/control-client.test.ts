import { createServer } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { ControlClient } from '../src/control/control-client.js';
import { afterTest, temporaryFolder } from './support/temporary.js';

/** A node that answers every request with `status` and `body`. */
async function startServer(status: number, body: string): Promise<ControlClient> {
  const dataDir = await temporaryFolder();
  const server = createServer((_, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(join(dataDir, 'control.sock'), resolve));
  afterTest(async () => server.close());
  return new ControlClient(dataDir);
}

describe('ControlClient', () => {
  it('reads a status of many topics, peers and blocked ones', async () => {
    const blocked = Array.from({ length: 65_536 }, (_, index) => `did:icn:z${index}`.padEnd(57, 'x'));
    const client = await startServer(200, `${JSON.stringify({ blocked })}\n`);
    expect((await client.status()).blocked).toEqual(blocked);
  });

  it('does not take a refusal by HTTP itself for an end without errors', async () => {
    const client = await startServer(408, '');
    await expect(client.publishLines('lobby', Readable.from([])).next()).rejects.toMatchObject({
      code: 'node-unreachable',
    });
  });
});
