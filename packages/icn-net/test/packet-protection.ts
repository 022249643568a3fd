import { createCipheriv, createHmac } from 'node:crypto';

/** Packets of QUIC version 1 made by hand (RFC 9001 §5), with frames that quiche would not send. */

/** Frames as RFC 9000 §19 writes them. */
export function varint(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value) | (3n << 62n));
  return bytes;
}

export const pingFrame = Uint8Array.of(1);

export function cryptoFrame(offset: number, data: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(6), varint(offset), varint(data.length), data]);
}

/** HKDF-Expand-Label of TLS 1.3 (RFC 8446 §7.1) with an empty context, for lengths of at most one block. */
function expandLabel(secret: Uint8Array, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Uint8Array.of(0, length, name.length), name, Uint8Array.of(0, 1)]);
  return createHmac('sha256', secret).update(info).digest().subarray(0, length);
}

const initialSalt = Buffer.from('38762cf7f55934b34d179ae6a4c80cadccbb7f0a', 'hex');

/** The secret with which a client protects its Initial packets (RFC 9001 §5.2). */
export function clientInitialSecret(destination: Uint8Array): Buffer {
  const extracted = createHmac('sha256', initialSalt).update(destination).digest();
  return expandLabel(extracted, 'client in', 32);
}

/** Seals frames under a header whose first byte says a packet number of 4 bytes; AES-128-GCM (RFC 9001 §5.3, §5.4). */
export function protect(
  secret: Uint8Array,
  header: Uint8Array,
  packetNumber: number,
  frames: Uint8Array,
): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(packetNumber);
  const nonce = expandLabel(secret, 'quic iv', 12);
  for (let i = 0; i < 4; i += 1) nonce[8 + i] = (nonce[8 + i] ?? 0) ^ (number[i] ?? 0);
  const cipher = createCipheriv('aes-128-gcm', expandLabel(secret, 'quic key', 16), nonce);
  cipher.setAAD(Buffer.concat([header, number]));
  const sealed = Buffer.concat([cipher.update(frames), cipher.final(), cipher.getAuthTag()]);
  const packet = Buffer.concat([header, number, sealed]);
  const mask = createCipheriv('aes-128-ecb', expandLabel(secret, 'quic hp', 16), null).update(
    sealed.subarray(0, 16),
  );
  packet[0] =
    (packet[0] ?? 0) ^ ((mask[0] ?? 0) & (header[0] !== undefined && header[0] >= 0x80 ? 0x0f : 0x1f));
  for (let i = 0; i < 4; i += 1)
    packet[header.length + i] = (packet[header.length + i] ?? 0) ^ (mask[1 + i] ?? 0);
  return packet;
}

/** An Initial of a client, padded to at least 1,200 bytes. */
export function initialPacket(
  destination: Uint8Array,
  source: Uint8Array,
  packetNumber: number,
  frames: Uint8Array,
  secret = clientInitialSecret(destination),
): Buffer {
  const head = Buffer.concat([
    Uint8Array.of(0xc3, 0, 0, 0, 1, destination.length),
    destination,
    Uint8Array.of(source.length),
    source,
    Uint8Array.of(0),
  ]);
  const padding = Math.max(0, 1200 - head.length - 8 - 4 - frames.length - 16);
  const payload = Buffer.concat([frames, Buffer.alloc(padding)]);
  return protect(secret, Buffer.concat([head, varint(4 + payload.length + 16)]), packetNumber, payload);
}
