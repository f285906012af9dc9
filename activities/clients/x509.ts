/** The public door of X.509: everything else asks here for keys, requests, certificates and chains. */
export { X509Error } from './x509/x509-error.ts'
export {
  decodePrivateKey,
  encodePrivateKey,
  generatePrivateKey,
  keyFacts,
  publicKeySha256,
} from './x509/keys.ts'
export { createRequest, parseRequest } from './x509/request.ts'
export { requestDer } from './x509/read-request.ts'
export { literalSubjectDer } from './x509/literal-subject.ts'
export { matchesKey, parseCertificate, parseChain, type ChainElement } from './x509/certificate.ts'
export { splitPem } from './x509/read-certificate.ts'
export { orderChain, type OrderedChain } from './x509/chain.ts'
export { verifyIssued, type IssuedCertificate } from './x509/verify-issued.ts'
export { checkIssuerPair, type IssuerPair } from './x509/issuer-pair.ts'
export { signRequest, type SignedCertificate, type SigningOrder } from './x509/sign.ts'
export { verifyChain, type PathQuestion } from './x509/verify.ts'
