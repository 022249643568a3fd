/** 64-bit numbers as 8 bytes in network order. */

export function u64ToBytes(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(56 - 8 * index)) & 0xffn));
}

export function u64FromBytes(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
