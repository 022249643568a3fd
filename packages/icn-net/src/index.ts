export { formatAddress, parseAddress, type Address } from './address.js';
export { certificateOf, didFromCertificate, type Certificate } from './certificate.js';
export { mayBeTold, scopeOf, type AddressScope } from './discovery/address-scope.js';
export { defaultExchangeLimits, type ExchangeLimits } from './discovery/exchange-limits.js';
export { ExchangeRounds, type ExchangeRoundsOptions } from './discovery/exchange-rounds.js';
export {
  PeerExchange,
  type ExchangeDrop,
  type ExchangeOutcome,
  type PeerExchangeOptions,
} from './discovery/peer-exchange.js';
export { exchangeBytesMax, type PeerAddress } from './discovery/peer-exchange-message.js';
export type { DiscoveredPeer, Discovery, DiscoveryEvent } from './discovery.js';
export { NetError, type NetErrorCode, type NetErrorOptions } from './errors.js';
export {
  FrameAssembler,
  FrameWriter,
  encodeFrames,
  readFrames,
  writeFrame,
  type FrameLimits,
} from './frames.js';
export {
  createMdns,
  serviceTypes,
  type DiscoverOptions,
  type Mdns,
  type MdnsDrop,
  type MdnsOptions,
} from './mdns.js';
export { VirtualClock, systemClock, type Clock } from './memory/clock.js';
export {
  longTailLatency,
  seededRandom,
  uniformLatency,
  type Latency,
  type Random,
} from './memory/latency.js';
export { MemoryNetwork, type LossSchedule, type MemoryNetworkOptions } from './memory/network.js';
export { createMemoryTransport, type MemoryTransportOptions } from './memory/transport.js';
export {
  ALPN,
  CLOSE_CODES,
  PREFACE,
  type CloseCode,
  type CloseDetail,
  type CloseReason,
} from './protocol.js';
export { defaultQuicLimits, type QuicLimits } from './quic/limits.js';
export { type NativeQuicOptions } from './quic/native.js';
export { createQuicTransport, type QuicTransportOptions } from './quic/transport.js';
export { createStaticPeers } from './static-peers.js';
export {
  createTlsTransport,
  defaultTlsLimits,
  type TlsLimits,
  type TlsTransportOptions,
} from './tls/transport.js';
export { TokenBucket, type BucketLimits } from './token-bucket.js';
export type { EarlyAskerOptions } from './early-asker.js';
export { earlyBytesMax } from './transport.js';
export type {
  Connection,
  ConnectionStats,
  DialOptions,
  EarlyQuestion,
  ListenOptions,
  Listener,
  Stream,
  StreamOptions,
  Transport,
} from './transport.js';
export type { HintOptions } from './dialler.js';
export type { SoughtPeer } from './candidate.js';
export {
  Swarm,
  defaultSwarmLimits,
  type ConnectedPeer,
  type SwarmLimits,
  type SwarmOptions,
} from './swarm.js';
