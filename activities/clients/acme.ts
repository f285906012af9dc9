// The ACME client (RFC 8555, RFC 8738, RFC 9773, profiles): what activities use of acme/.
export type { ExternalAccountBinding, RegisteredAccount, Registration } from './acme/account.ts'
export type { AcmeClient, NewOrder } from './acme/client.ts'
export type { Identifier } from './acme/identifiers.ts'
export type {
  Account,
  Authorization,
  Challenge,
  Directory,
  FinalizedOrder,
  Order,
  RenewalInfo,
} from './acme/messages.ts'
export { AcmeProblem, acmeFailure, problemText, type ProblemDocument } from './acme/problems.ts'
export { acmeClient, acmeClients, type AcmeClients } from './acme/registry.ts'
export { ariCertificateId } from './acme/renewal-info.ts'
export type { AcmeExchange, AcmeServer, HttpAnswer, HttpRequest, HttpSender } from './acme/transport.ts'
