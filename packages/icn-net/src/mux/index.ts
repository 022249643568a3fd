/** What makes a transport of anything that carries byte streams: docs/writing-an-adapter.md. */
export type { HostPort } from '../host-addresses.js';
export type { Refused } from '../peer-proof.js';
export type { Carried, Carrier, CarrierSocket } from './carrier.js';
export { defaultMuxLimits, type MuxLimits } from './limits.js';
export { readExactly } from './read-exactly.js';
export { createMuxTransport, type MuxTransportOptions } from './transport.js';
