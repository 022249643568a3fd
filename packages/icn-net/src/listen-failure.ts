import { NetError, messageOf, systemCodeOf } from './errors.js';
import type { ListenOptions } from './transport.js';

/** What `listen` throws where the system does not give the port: `address-in-use` or `address-unavailable`. */
export function listenFailure(
  protocol: 'UDP' | 'TCP',
  { host, port }: ListenOptions,
  cause: unknown,
): NetError {
  const code = systemCodeOf(cause);
  if (code === 'EADDRINUSE') {
    const text = `${protocol} port ${port} of ${host} is in use: take another, or 0 for any free one`;
    return new NetError('address-in-use', text, { cause });
  }
  const advice = code === 'EACCES' ? 'ports below 1024 need privileges' : 'is it an address of this machine?';
  return new NetError(
    'address-unavailable',
    `cannot listen on ${protocol} port ${port} of ${host} (${code ?? messageOf(cause)}): ${advice}`,
    { cause },
  );
}
