import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** Certificates that must not pass, and the parts to make them of. */
export interface MadeCertificate {
  readonly der: Buffer;
  readonly certPem: string;
  readonly keyPem: string;
}

function der(tag: number, ...parts: readonly (Uint8Array | readonly number[])[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Uint8Array.from(part)));
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...size), content]);
}

const algorithms = {
  ed25519: der(0x30, der(0x06, [0x2b, 0x65, 0x70])),
  rsa: der(0x30, der(0x06, [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]), [0x05, 0x00]),
};

/** A version 3 certificate of `subject`, signed by `signer`, valid between two UTCTimes. */
export function makeCertificate(
  algorithm: 'ed25519' | 'rsa',
  subject: KeyObject,
  signer: KeyObject,
  validity: readonly [string, string] = ['200101000000Z', '491231235959Z'],
): MadeCertificate {
  const name = der(0x30, der(0x31, der(0x30, der(0x06, [0x55, 0x04, 0x03]), der(0x0c, Buffer.from('test')))));
  const times = der(0x30, ...validity.map((time) => der(0x17, Buffer.from(time))));
  const spki = createPublicKey(subject).export({ format: 'der', type: 'spki' });
  const tbs = der(
    0x30,
    der(0xa0, der(0x02, [2])),
    der(0x02, [1]),
    algorithms[algorithm],
    name,
    times,
    name,
    spki,
  );
  const signature = sign(algorithm === 'rsa' ? 'sha256' : null, tbs, signer);
  const whole = der(0x30, tbs, algorithms[algorithm], der(0x03, [0], signature));
  return {
    der: whole,
    certPem: `-----BEGIN CERTIFICATE-----\n${whole
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n')}\n-----END CERTIFICATE-----\n`,
    keyPem: subject.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

export function newKey(type: 'ed25519' | 'rsa'): KeyObject {
  return type === 'rsa'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    : generateKeyPairSync('ed25519').privateKey;
}
