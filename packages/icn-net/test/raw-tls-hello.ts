import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { generateKeyPair } from '@icn/identity';
import { certificateOf } from '../src/index.js';

/** The first bytes of a real dial. */
export async function realClientHello(): Promise<Buffer> {
  const trap = createServer().listen(0, '127.0.0.1');
  await once(trap, 'listening');
  const trapped = once(trap, 'connection') as Promise<[Socket]>;
  const { certPem, keyPem } = certificateOf(generateKeyPair());
  const client = connectTls({
    host: '127.0.0.1',
    port: (trap.address() as AddressInfo).port,
    cert: certPem,
    key: keyPem,
    ALPNProtocols: ['icn-mux/1'],
  });
  client.on('error', () => {});
  const [socket] = await trapped;
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  trap.close();
  return bytes;
}
