/**
 * The rules of the `Transport` port as named cases, for any test runner and any adapter:
 *
 * ```ts
 * for (const { name, run } of transportConformance) test(name, () => run(fixture));
 * ```
 */
import { closeCases } from './close-cases.js';
import type { ConformanceCase } from './fixture.js';
import { flowCases } from './flow-cases.js';
import { peerCases } from './peer-cases.js';
import { statsCases } from './stats-cases.js';
import { streamCases } from './stream-cases.js';

export type { ConformanceCase, ConformanceFixture, PeerPolicy } from './fixture.js';

/** Every rule that an adapter keeps. */
export const transportConformance: readonly ConformanceCase[] = [
  ...peerCases,
  ...streamCases,
  ...flowCases,
  ...closeCases,
  ...statsCases,
];
export { UdpProxy, type PathConditions } from './udp-proxy.js';
