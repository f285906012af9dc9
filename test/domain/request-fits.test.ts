import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DesiredCertificate } from '../../workflows/domain/desired.ts'
import { keyMismatches } from '../../workflows/domain/key-fits.ts'
import {
  certificateMismatches,
  requestMismatches,
  type RequestSpec,
} from '../../workflows/domain/request-fits.ts'
import type { CertificateFacts, KeyFacts, RequestFacts } from '../../workflows/domain/x509-facts.ts'
import { certificateFacts, desired, keyFacts, requestFacts } from './facts.ts'

const keys: [
  name: string,
  key: Partial<KeyFacts>,
  wanted: DesiredCertificate['privateKey'],
  fields: string[],
][] = [
  ['an RSA key of 2048 bits fits no wish', {}, undefined, []],
  ['an RSA key of 2048 bits fits size 0', {}, { size: 0 }, []],
  ['an RSA key of 4096 bits does not fit no wish', { size: 4096 }, undefined, ['spec.privateKey.size']],
  ['an RSA key of 4096 bits fits size 4096', { size: 4096 }, { algorithm: 'RSA', size: 4096 }, []],
  ['the encoding does not matter', { encoding: 'PKCS8' }, { encoding: 'PKCS1' }, []],
  ['P-256 fits ECDSA', { algorithm: 'ECDSA', size: 256 }, { algorithm: 'ECDSA' }, []],
  [
    'P-384 does not fit ECDSA',
    { algorithm: 'ECDSA', size: 384 },
    { algorithm: 'ECDSA' },
    ['spec.privateKey.size'],
  ],
  ['RSA does not fit ECDSA', {}, { algorithm: 'ECDSA', size: 2048 }, ['spec.privateKey.algorithm']],
  [
    'Ed25519 fits whatever the size',
    { algorithm: 'Ed25519', size: 0 },
    { algorithm: 'Ed25519', size: 4096 },
    [],
  ],
]
for (const [name, key, privateKey, fields] of keys) {
  test(name, () => assert.deepEqual(keyMismatches({ ...keyFacts, ...key }, { privateKey }), fields))
}

interface RequestCase {
  csr?: Partial<RequestFacts>
  spec?: Partial<RequestSpec>
  wanted?: Partial<DesiredCertificate>
  literalSubjectDer?: string
  fields: string[]
}

const requests: Record<string, RequestCase> = {
  'an equal request fits': { fields: [] },
  'the order of names does not matter': {
    csr: { dnsNames: ['b', 'a'] },
    wanted: { dnsNames: ['a', 'b'] },
    fields: [],
  },
  'a name more or less is seen': { wanted: { dnsNames: ['example.com', 'www'] }, fields: ['spec.dnsNames'] },
  'how often a name appears counts': {
    csr: { dnsNames: ['a', 'a', 'b'] },
    wanted: { dnsNames: ['a', 'b', 'b'] },
    fields: ['spec.dnsNames'],
  },
  'addresses are compared by value': {
    csr: { ipAddresses: ['2001:db8::1'] },
    wanted: { ipAddresses: ['2001:DB8:0::1'] },
    fields: [],
  },
  'everything that differs is named in order': {
    csr: {
      ipAddresses: ['192.0.2.1'],
      uris: ['spiffe://a'],
      emailAddresses: ['a@b'],
      commonName: 'x',
      subject: {
        serialNumber: '1',
        organizations: ['o'],
        countries: ['c'],
        localities: ['l'],
        organizationalUnits: ['u'],
        postalCodes: ['p'],
        provinces: ['s'],
        streetAddresses: ['t'],
      },
    },
    spec: { isCA: true, usages: ['any'], duration: '1h', issuerRef: { name: 'other' } },
    wanted: { dnsNames: [], otherNames: [{ oid: '1.2', utf8Value: 'x' }], duration: '2h' },
    fields: [
      'spec.ipAddresses',
      'spec.uris',
      'spec.emailAddresses',
      'spec.dnsNames',
      'spec.otherNames',
      'spec.commonName',
      'spec.subject.serialNumber',
      'spec.subject.organizations',
      'spec.subject.countries',
      'spec.subject.localities',
      'spec.subject.organizationalUnits',
      'spec.subject.postCodes',
      'spec.subject.provinces',
      'spec.subject.streetAddresses',
      'spec.isCA',
      'spec.usages',
      'spec.duration',
      'spec.issuerRef',
    ],
  },
  'other names count only where the spec has the field': {
    csr: { otherNames: [{ oid: '1.2', utf8Value: 'x' }] },
    fields: [],
  },
  'other names are compared as pairs': {
    csr: { otherNames: [{ oid: '1.2', utf8Value: 'x' }] },
    wanted: { otherNames: [{ oid: '1.2', utf8Value: 'x' }] },
    fields: [],
  },
  'durations are compared by length': {
    spec: { duration: '60m' },
    wanted: { duration: '1h0m0s' },
    fields: [],
  },
  'a duration on one side only is not compared': { wanted: { duration: '1h' }, fields: [] },
  'written out defaults of the issuer are the same issuer': {
    wanted: { issuerRef: { name: 'ca', kind: 'Issuer', group: 'cert-manager.io' } },
    fields: [],
  },
  'another kind of issuer is another issuer': {
    wanted: { issuerRef: { name: 'ca', kind: 'ClusterIssuer' } },
    fields: ['spec.issuerRef'],
  },
  'written out default usages differ from none, as upstream': {
    wanted: { usages: ['digital signature', 'key encipherment'] },
    fields: ['spec.usages'],
  },
  'a literal subject is compared as DER, and instead of the common name': {
    csr: { commonName: 'x', subjectDer: '3001' },
    wanted: { literalSubject: 'CN=y' },
    literalSubjectDer: '3002',
    fields: ['spec.literalSubject'],
  },
  'an equal literal subject fits': {
    csr: { commonName: 'x', subjectDer: '3001' },
    wanted: { literalSubject: 'CN=x' },
    literalSubjectDer: '3001',
    fields: [],
  },
  'a literal subject without DER counts as fitting': { wanted: { literalSubject: 'CN=x' }, fields: [] },
  'fields that do not reach the request are not compared': {
    wanted: { privateKey: { encoding: 'PKCS8' }, renewBefore: '1h', secretName: 'other' },
    fields: [],
  },
}
for (const [name, { csr, spec, wanted, literalSubjectDer, fields }] of Object.entries(requests)) {
  test(name, () => {
    const requested = { issuerRef: { name: 'ca' }, ...spec }
    const found = requestMismatches(
      { ...requestFacts, ...csr },
      requested,
      { ...desired, ...wanted },
      { literalSubjectDer },
    )
    assert.deepEqual(found, fields)
  })
}

interface CertificateCase {
  certificate?: Partial<CertificateFacts>
  wanted?: Partial<DesiredCertificate>
  fields: string[]
}

const certificates: Record<string, CertificateCase> = {
  'a CA may promote a DNS name to common name': { certificate: { commonName: 'example.com' }, fields: [] },
  'a CA may demote the common name to a DNS name': {
    certificate: { dnsNames: ['example.com', 'cn'] },
    wanted: { commonName: 'cn' },
    fields: [],
  },
  'a common name of its own is seen': { certificate: { commonName: 'foreign' }, fields: ['spec.commonName'] },
  'a missing common name is seen': { wanted: { commonName: 'cn' }, fields: ['spec.commonName'] },
  'a missing DNS name is seen': { wanted: { dnsNames: ['example.com', 'www'] }, fields: ['spec.dnsNames'] },
  'a DNS name too many is seen': {
    certificate: { dnsNames: ['example.com', 'x'] },
    fields: ['spec.dnsNames'],
  },
  'other kinds of names must be equal': {
    certificate: { ipAddresses: ['192.0.2.1'], uris: ['u:1'], emailAddresses: ['a@b'] },
    fields: ['spec.ipAddresses', 'spec.uris', 'spec.emailAddresses'],
  },
  'the subject is not compared': { certificate: { subject: { organizations: ['o'] } }, fields: [] },
}
for (const [name, { certificate, wanted, fields }] of Object.entries(certificates)) {
  test(`without a request: ${name}`, () => {
    const found = certificateMismatches({ ...certificateFacts, ...certificate }, { ...desired, ...wanted })
    assert.deepEqual(found, fields)
  })
}
