import type { Duplex } from 'node:stream';
import { NetError } from '../errors.js';

/**
 * The next bytes of a byte stream, exactly so many, for a handshake; what comes behind them stays in the stream.
 *
 * @throws NetError `dial-failed` where the stream ends, closes or fails before.
 */
export function readExactly(socket: Duplex, byteCount: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.off('readable', onReadable).off('end', onOver).off('close', onOver).off('error', onOver);
    };
    const onOver = (cause?: unknown): void => {
      settle();
      reject(new NetError('dial-failed', 'the peer hung up during the handshake', { cause }));
    };
    const onReadable = (): void => {
      const bytes = socket.read(byteCount) as Buffer | null;
      if (bytes === null) return;
      // At its end a stream gives what is left, however little.
      if (bytes.length < byteCount) return onOver();
      settle();
      resolve(bytes);
    };
    if (socket.destroyed || socket.readableEnded) return onOver();
    socket.on('readable', onReadable).on('end', onOver).on('close', onOver).on('error', onOver);
    onReadable();
  });
}
