import type { Did, KeyPair } from '@icn/identity';
import { jest } from '@jest/globals';
import {
  createMemoryTransport,
  Swarm,
  type Address,
  type CloseReason,
  type MemoryNetwork,
  type SwarmLimits,
  type Transport,
} from '../src/index.js';

/** A swarm over memory, what it is reached by, and what it told. */
export interface Party {
  readonly did: Did;
  readonly swarm: Swarm;
  readonly transport: Transport;
  readonly address: Address;
  readonly log: string[];
  readonly reasons: CloseReason[];
  readonly failures: string[];
}

/** Starts a swarm whose waits are short; limits change them, and `wrap` what it dials with. */
export async function party(
  network: MemoryNetwork,
  keyPair: KeyPair,
  limits: Partial<SwarmLimits> = {},
  wrap = (transport: Transport): Transport => transport,
): Promise<Party> {
  const log: string[] = [];
  const reasons: CloseReason[] = [];
  const failures: string[] = [];
  const transport = wrap(createMemoryTransport({ keyPair, network }));
  const swarm = new Swarm({
    self: keyPair.did,
    transports: [transport],
    onPeerUp: () => log.push('up'),
    onPeerDown: (_, reason) => {
      log.push('down');
      reasons.push(reason);
    },
    onDialFailed: (_, error) => failures.push(error.message),
    limits: { backoffFirstMs: 2, backoffMaxMs: 8, backoffRecentMaxMs: 4, yieldMs: 2, ...limits },
  });
  const listener = await transport.listen({ host: keyPair.did.slice(-8).toLowerCase(), port: 0 });
  void swarm.serve(listener);
  return { did: keyPair.did, swarm, transport, address: listener.addresses[0]!, log, reasons, failures };
}

/** Resolves once it holds, looked at in each turn of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** Runs a test in virtual time; `pass` lets milliseconds go by. */
export async function inVirtualTime(
  run: (pass: (ms: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
  try {
    await run((ms) => jest.advanceTimersByTimeAsync(ms));
  } finally {
    jest.useRealTimers();
  }
}

/** Whether it has exactly one connection. */
export const isUp = ({ swarm }: Party) => swarm.connections.length === 1;
