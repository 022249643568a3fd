/** Bytes of a byte string with its CBOR head. */
export function byteStringLength({ length }: Uint8Array): number {
  return length + headLength(length);
}

/** Bytes of a CBOR head: of an unsigned integer, or of what has so many bytes or items. */
export function headLength(value: number): number {
  return value < 24 ? 1 : value < 0x100 ? 2 : value < 0x1_0000 ? 3 : value < 0x1_0000_0000 ? 5 : 9;
}
