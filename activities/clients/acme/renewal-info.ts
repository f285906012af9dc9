import { CertloomError } from '../../failure.ts'

/**
 * The certificate identifier of RFC 9773 4.1, for `replaces` and renewalInfo: base64url of the Authority Key
 * Identifier's keyIdentifier, a dot, base64url of the serial number's DER content octets.
 * `serialNumber` is hexadecimal, as X.509 libraries print it, with or without leading zeros.
 */
export function ariCertificateId(certificate: { authorityKeyId: Uint8Array; serialNumber: string }): string {
  const digits = certificate.serialNumber.replace(/^0+(?=.)/, '').toLowerCase()
  if (!/^[0-9a-f]+$/.test(digits))
    throw new CertloomError('CertificateInvalid', 'serialNumber: not hexadecimal')
  const serial = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
  // DER integers are signed: a positive one with its top bit set begins with a zero byte.
  const octets = (serial[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), serial]) : serial
  return `${Buffer.from(certificate.authorityKeyId).toString('base64url')}.${octets.toString('base64url')}`
}
