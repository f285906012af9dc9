export { certificate } from './certificate.ts'
export { cleanUp } from './clean-up.ts'
export { dnsName } from './dns-name.ts'
export { issuer } from './issuer.ts'
