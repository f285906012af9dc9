import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DesiredCertificate } from '../../workflows/domain/desired.ts'
import {
  readiness,
  whyIssue,
  type IssueInput,
  type SecretFacts,
} from '../../workflows/domain/issue-reasons.ts'
import { certificateFacts, desired, inOrder, keyFacts, requestFacts } from './facts.ts'

const secret = (changes: Partial<SecretFacts>): IssueInput => ({
  ...inOrder,
  secret: { ...inOrder.secret, ...changes },
})
const wanted = (changes: Partial<DesiredCertificate>): IssueInput => ({
  ...inOrder,
  desired: { ...desired, ...changes },
})

interface Case {
  input: IssueInput
  reason: string
  message: string
}

const unfit: Record<string, Case> = {
  'a missing Secret': {
    input: { ...inOrder, secret: undefined },
    reason: 'DoesNotExist',
    message: 'Issuing certificate as Secret does not exist',
  },
  'an empty Secret': {
    input: secret({ hasData: false, hasKey: false, hasCertificate: false }),
    reason: 'MissingData',
    message: 'Issuing certificate as Secret does not contain any data',
  },
  'a Secret without key': {
    input: secret({ hasKey: false, hasCertificate: false }),
    reason: 'MissingData',
    message: 'Issuing certificate as Secret does not contain a private key',
  },
  'a Secret without certificate': {
    input: secret({ hasCertificate: false }),
    reason: 'MissingData',
    message: 'Issuing certificate as Secret does not contain a certificate',
  },
  'a key that cannot be read, before the certificate': {
    input: secret({ key: { error: 'no PEM' }, certificate: { error: 'no PEM either' } }),
    reason: 'InvalidKeyPair',
    message: 'Issuing certificate as Secret contains invalid private key data: no PEM',
  },
  'a certificate that cannot be read': {
    input: secret({ certificate: { error: 'no PEM' } }),
    reason: 'InvalidCertificate',
    message: 'Issuing certificate as Secret contains an invalid certificate: no PEM',
  },
  'a key of another certificate': {
    input: secret({ key: { ...keyFacts, publicKeySha256: 'bb' } }),
    reason: 'InvalidKeyPair',
    message: 'Issuing certificate as Secret contains a private key that does not match the certificate',
  },
  'a key pair that was compared outside': {
    input: secret({ keyMatches: false }),
    reason: 'InvalidKeyPair',
    message: 'Issuing certificate as Secret contains a private key that does not match the certificate',
  },
  'a key pair that cannot be compared': {
    input: secret({ keyMatches: { error: 'unknown curve' } }),
    reason: 'InvalidKeyPair',
    message: 'Secret contains an invalid key-pair: unknown curve',
  },
  'another issuer, before another Certificate': {
    input: secret({
      annotations: {
        'cert-manager.io/issuer-name': 'old',
        'cert-manager.io/issuer-kind': 'ClusterIssuer',
        'cert-manager.io/certificate-name': 'other',
      },
    }),
    reason: 'IncorrectIssuer',
    message: 'Issuing certificate as Secret was previously issued by "ClusterIssuer.cert-manager.io/old"',
  },
  'no issuer annotation where a ClusterIssuer is wished, as upstream': {
    input: {
      ...wanted({ issuerRef: { name: 'ca', kind: 'ClusterIssuer' } }),
      secret: { ...inOrder.secret, annotations: {} },
    },
    reason: 'IncorrectIssuer',
    message: 'Issuing certificate as Secret was previously issued by "Issuer.cert-manager.io/"',
  },
  'another Certificate with the same Secret, before its key': {
    input: {
      ...wanted({ privateKey: { size: 4096 } }),
      secret: { ...inOrder.secret, annotations: { 'cert-manager.io/certificate-name': 'other' } },
    },
    reason: 'IncorrectCertificate',
    message:
      'Secret was issued for "other". If this message is not transient, you might have two conflicting Certificates pointing to the same secret.',
  },
  'a key that does not fit, before the request': {
    input: wanted({ privateKey: { size: 4096 }, dnsNames: ['other'] }),
    reason: 'SecretMismatch',
    message: 'Existing private key is not up to date for spec: [spec.privateKey.size]',
  },
  'a request of another key': {
    input: {
      ...inOrder,
      currentRequest: { ...inOrder.currentRequest, facts: { ...requestFacts, publicKeySha256: 'bb' } },
    },
    reason: 'SecretMismatch',
    message: 'Secret contains a private key that does not match the current CertificateRequest',
  },
  'a request that cannot be read': {
    input: { ...inOrder, currentRequest: { ...inOrder.currentRequest, facts: { error: 'bad DER' } } },
    reason: 'InvalidCertificateRequest',
    message: 'Failed to decode current CertificateRequest: bad DER',
  },
  'a changed spec': {
    input: wanted({ dnsNames: ['other'], isCA: true }),
    reason: 'RequestChanged',
    message: 'Fields on existing CertificateRequest resource not up to date: [spec.dnsNames spec.isCA]',
  },
  'a changed spec where no request is left': {
    input: { ...wanted({ dnsNames: ['other'] }), currentRequest: undefined },
    reason: 'SecretMismatch',
    message: 'Issuing certificate as Existing issued Secret is not up to date for spec: [spec.dnsNames]',
  },
  'a changed literal subject': {
    input: { ...wanted({ literalSubject: 'CN=x' }), literalSubjectDer: '3001' },
    reason: 'RequestChanged',
    message: 'Fields on existing CertificateRequest resource not up to date: [spec.literalSubject]',
  },
}
for (const [name, { input, reason, message }] of Object.entries(unfit)) {
  test(`${name} is issued for and is not ready, with the same words`, () => {
    assert.deepEqual(whyIssue(input), { reason, message })
    const ready = readiness(input)
    assert.deepEqual([ready.status, ready.reason, ready.message], ['False', reason, message])
  })
}

test('a certificate in order is ready with its dates and is not issued', () => {
  assert.equal(whyIssue(inOrder), undefined)
  assert.deepEqual(readiness(inOrder), {
    status: 'True',
    reason: 'Ready',
    message: 'Certificate is up to date and has not expired',
    notBefore: '2026-01-01T00:00:00Z',
    notAfter: '2026-04-01T00:00:00Z',
    renewalTime: '2026-03-02T00:00:00Z',
  })
})

test('a Secret without annotations of ours is adopted as it is', () => {
  assert.equal(whyIssue(secret({ annotations: {} })), undefined)
})

test('a certificate without request is adopted when its names fit', () => {
  assert.equal(whyIssue({ ...inOrder, currentRequest: undefined }), undefined)
})

test('a certificate is renewed from its renewal time on and stays ready', () => {
  const due = Date.UTC(2026, 2, 2)
  assert.equal(whyIssue({ ...inOrder, now: due - 1 }), undefined)
  assert.deepEqual(whyIssue({ ...inOrder, now: due }), {
    reason: 'Renewing',
    message: 'Renewing certificate as renewal was scheduled at 2026-03-02 00:00:00 +0000 UTC',
  })
  assert.equal(readiness({ ...inOrder, now: due }).status, 'True')
})

test('a time that the CA suggested takes the place of the computed one', () => {
  const input = { ...inOrder, renewalTime: '2026-01-20T00:00:00Z' }
  assert.equal(
    whyIssue(input)?.message,
    'Renewing certificate as renewal was scheduled at 2026-01-20 00:00:00 +0000 UTC',
  )
  assert.equal(readiness(input).renewalTime, '2026-01-20T00:00:00Z')
})

test('policy Disabled neither renews nor has a renewal time, even when expired', () => {
  const input = { ...wanted({ renewal: { policy: 'Disabled' } }), now: Date.UTC(2027, 0, 1) }
  assert.equal(whyIssue(input), undefined)
  const ready = readiness(input)
  assert.equal(ready.renewalTime, undefined)
  assert.deepEqual([ready.status, ready.reason], ['False', 'Expired'])
})

test('an expired certificate says when it expired', () => {
  const ready = readiness({ ...inOrder, now: Date.UTC(2026, 3, 1) + 1 })
  assert.deepEqual([ready.status, ready.reason], ['False', 'Expired'])
  assert.equal(ready.message, 'Certificate expired on Wed, 01 Apr 2026 00:00:00 UTC')
  assert.equal(readiness({ ...inOrder, now: Date.UTC(2026, 3, 1) }).status, 'True')
})

test('windows that cannot be met are reported and renewal does not wait for them', () => {
  const windows = [{ cron: '0 0 30 2 *', windowDuration: '1h' }]
  const input = { ...wanted({ renewal: { policy: 'RenewBefore', windows } }), now: Date.UTC(2026, 2, 2) }
  const why = whyIssue(input)
  assert.equal(why?.reason, 'Renewing')
  assert.equal(
    why.message,
    'Renewing certificate without satisfying renewal windows at: 2026-03-02 00:00:00 +0000 UTC',
  )
  const cause =
    'cannot find a time with the given windows between 2026-01-01 00:00:00 +0000 UTC and 2026-04-01 00:00:00 +0000 UTC for: 2026-03-02 00:00:00 +0000 UTC'
  assert.deepEqual(why.warning, {
    reason: 'WindowError',
    message: `Renewing certificate without satisfying renewal windows due to ${cause}`,
  })
  const ready = readiness(input)
  assert.deepEqual(
    [ready.status, ready.reason, ready.message],
    ['False', 'WindowError', `Could not calculate renewal time: ${cause}`],
  )
})

test('a Secret without readable certificate has no dates in the status', () => {
  const ready = readiness(secret({ certificate: { error: 'no PEM' } }))
  assert.deepEqual([ready.notBefore, ready.notAfter, ready.renewalTime], [undefined, undefined, undefined])
})

test('the dates stay in the status where another check fails', () => {
  assert.equal(readiness(wanted({ dnsNames: ['other'] })).notAfter, certificateFacts.notAfter)
})
