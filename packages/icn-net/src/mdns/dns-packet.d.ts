/** The part of dns-packet that is used here; it ships no types. */
declare module 'dns-packet' {
  const dnsPacket: {
    /** Throws on anything that is no DNS message. */
    readonly decode: (bytes: Uint8Array) => unknown;
    readonly encode: (message: object) => Uint8Array;
  };
  export default dnsPacket;
}
