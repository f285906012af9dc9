import type { FailureEntry } from './failures.ts'
import { pluginFailures } from './plugin-failures.ts'

/** The closed list; `failures.ts` says what its fields mean. */
export const failures = {
  InvalidSpec: {
    kind: 'spec',
    acts: 'object owner',
    meaning: 'A field of the object is not usable as written.',
    remedy: 'Change the field that the message names and apply the object again.',
  },
  NoNames: {
    kind: 'spec',
    acts: 'certificate owner',
    meaning: 'The Certificate asks for no name at all.',
    remedy: 'Set at least one of spec.dnsNames, commonName, ipAddresses, uris, emailAddresses or otherNames.',
  },
  UnknownIssuerKind: {
    kind: 'spec',
    acts: 'certificate owner',
    meaning: 'spec.issuerRef.kind is neither Issuer nor ClusterIssuer.',
    remedy:
      'Set spec.issuerRef.kind to Issuer or ClusterIssuer, or name the API group of an external issuer in spec.issuerRef.group.',
  },
  UnsupportedIssuer: {
    kind: 'spec',
    acts: 'issuer owner',
    meaning: 'The issuer is of a type that this release does not serve.',
    remedy: 'Use an issuer of type acme, ca or selfSigned.',
  },
  NameNotOrderable: {
    kind: 'spec',
    acts: 'certificate owner',
    meaning: 'The CA cannot be asked for these names.',
    remedy:
      'Put the common name among spec.dnsNames, and ask an ACME issuer for DNS names and IP addresses only.',
  },
  NoSolver: {
    kind: 'spec',
    acts: 'issuer owner',
    meaning: 'No solver of the issuer fits one of the names.',
    remedy: 'Add a solver to the issuer whose selector matches the name; a wildcard needs a dns01 solver.',
  },
  UnsupportedSolver: {
    kind: 'spec',
    acts: 'issuer owner',
    meaning: 'The solver that fits is of a kind that this release does not serve.',
    remedy: 'Use dns01.webhook with groupName certloom.dev and solverName exec.',
  },
  IssuerNotFound: {
    kind: 'blocked',
    acts: 'certificate owner',
    meaning: 'The issuer does not exist.',
    remedy: 'Create the issuer, or correct spec.issuerRef.',
  },
  IssuerNotReady: {
    kind: 'blocked',
    acts: 'issuer owner',
    meaning: 'The issuer is not ready.',
    remedy: 'Look at the issuer with kubectl describe and mend what its Ready condition names.',
  },
  IssuerPending: {
    kind: 'blocked',
    acts: 'nobody',
    meaning: 'The issuer has not been verified yet.',
    remedy: 'Wait; certloom verifies a new or changed issuer by itself, usually within a second.',
  },
  SecretNotFound: {
    kind: 'blocked',
    acts: 'issuer owner',
    meaning: 'A Secret that the issuer or its solver needs does not exist.',
    remedy: 'Create the Secret in the namespace that the message names.',
  },
  SecretKeyMissing: {
    kind: 'blocked',
    acts: 'issuer owner',
    meaning: 'A Secret lacks a key that the issuer or its solver needs.',
    remedy: 'Add the key that the message names to the Secret.',
  },
  SecretInvalid: {
    kind: 'blocked',
    acts: 'issuer owner',
    meaning: 'The content of a Secret cannot be used.',
    remedy: 'Replace the content of the Secret that the message names.',
  },
  SecretInUse: {
    kind: 'blocked',
    acts: 'certificate owner',
    meaning: 'The target Secret belongs to something else and is not overwritten.',
    remedy: 'Choose another spec.secretName, or remove the Secret if nothing needs it.',
  },
  CannotRegenerateKey: {
    kind: 'blocked',
    acts: 'certificate owner',
    meaning: 'The private key does not fit spec.privateKey, and rotationPolicy Never forbids a new one.',
    remedy: 'Set spec.privateKey.rotationPolicy to Always, delete the Secret, or put spec.privateKey back.',
  },
  NotApproved: {
    kind: 'blocked',
    acts: 'approver',
    meaning: 'The CertificateRequest waits for approval.',
    remedy: 'Approve or deny the CertificateRequest (cmctl approve, cmctl deny).',
  },
  WaitingForExternalIssuer: {
    kind: 'blocked',
    acts: 'external issuer',
    meaning: 'The CertificateRequest waits for the controller of its external issuer.',
    remedy: 'Look at the CertificateRequest and at the controller that serves the API group of its issuer.',
  },
  ...pluginFailures,
  PropagationPending: {
    kind: 'blocked',
    acts: 'DNS operator',
    meaning: 'Not every authoritative name server shows the challenge record yet.',
    remedy: 'Wait; if it lasts, look at the name server that the message names.',
  },
  ValidationPending: {
    kind: 'blocked',
    acts: 'CA',
    meaning: 'The ACME server has not finished the validation of a challenge.',
    remedy:
      'Wait; certloom makes another order when this one is void. If it lasts, ask the operator of the CA.',
  },
  SigningPending: {
    kind: 'later',
    acts: 'CA',
    meaning: 'The ACME server has not issued the certificate of a finalized order yet.',
    remedy: 'Wait; certloom looks again when the CA asks for it. If it lasts, ask the operator of the CA.',
  },
  NameInUse: {
    kind: 'blocked',
    acts: 'cluster operator',
    meaning: 'Another certificate holds the challenge name, which its provider lets only one use at a time.',
    remedy: 'Mend what the workflow in the message waits for; certloom makes another order meanwhile.',
  },
  ZoneNotFound: {
    kind: 'blocked',
    acts: 'DNS operator',
    meaning: 'The zone of the challenge name could not be found in DNS.',
    remedy: 'Check that the domain is delegated and that the resolvers of the workers can see it.',
  },
  CaUnreachable: {
    kind: 'blocked',
    acts: 'issuer owner',
    meaning: 'The ACME server cannot be reached.',
    remedy: 'Check spec.acme.server of the issuer, the network and the TLS trust (spec.acme.caBundle).',
  },
  OrderLost: {
    kind: 'blocked',
    acts: 'nobody',
    meaning: 'The ACME server no longer knows the order.',
    remedy: 'Nothing is left to do; certloom makes another order by itself.',
  },
  AccountProblem: {
    kind: 'blocked',
    acts: 'issuer owner',
    meaning: 'The ACME server does not accept the account.',
    remedy: 'Look at the Ready condition of the issuer: account key, account binding, terms of service.',
  },
  RateLimited: {
    kind: 'later',
    acts: 'nobody',
    meaning: 'The ACME server asks to come back later.',
    remedy: 'Wait; certloom goes on at the time that the message names.',
  },
  CaInternal: {
    kind: 'transient',
    acts: 'CA',
    meaning: 'The ACME server had an internal error.',
    remedy: 'Wait; the request is sent again.',
  },
  KubernetesUnavailable: {
    kind: 'transient',
    acts: 'cluster operator',
    meaning: 'The Kubernetes API server did not answer.',
    remedy: 'Wait; the step is tried again.',
  },
  NotLeader: {
    kind: 'transient',
    acts: 'cluster operator',
    meaning: 'Another controller holds the Lease cert-manager-controller: nothing is written.',
    remedy: 'Stop the other controller, or this one.',
  },
  ObjectGone: {
    kind: 'blocked',
    acts: 'nobody',
    meaning: 'The object is gone or is being deleted.',
    remedy:
      'Nothing is left to do; certloom ends the attempt and makes another one where the Certificate lives.',
  },
  Forbidden: {
    kind: 'blocked',
    acts: 'cluster operator',
    meaning: 'The Kubernetes API server refused the call.',
    remedy: 'Grant the right that the message names, or mend the admission policy that refused it.',
  },
  AuthorizationInvalid: {
    kind: 'spent',
    acts: 'certificate owner',
    meaning: 'The ACME server could not validate the challenge.',
    remedy:
      'Mend what the problem of the ACME server names; certloom tries again after the back-off, at once after a change or a renew.',
  },
  OrderRejected: {
    kind: 'spent',
    acts: 'certificate owner',
    meaning: 'The ACME server refused the order.',
    remedy: 'Mend what the problem of the ACME server names, usually a name or the profile.',
  },
  OrderInvalid: {
    kind: 'spent',
    acts: 'CA',
    meaning: 'The ACME server ended the order without a certificate.',
    remedy: 'Look at the reason of the Order; certloom tries again after the back-off.',
  },
  CertificateInvalid: {
    kind: 'spent',
    acts: 'CA',
    meaning: 'The issued certificate does not fit the request.',
    remedy:
      'Look at the issuer: its answer has another key, other names, a broken chain or dates that have passed.',
  },
  SigningFailed: {
    kind: 'spent',
    acts: 'issuer owner',
    meaning: 'The issuer could not sign the request.',
    remedy: 'Mend what the message names at the issuer.',
  },
  RequestDenied: {
    kind: 'spent',
    acts: 'approver',
    meaning: 'The CertificateRequest was denied or marked invalid.',
    remedy: 'Ask whoever denied the request; certloom asks again after the back-off.',
  },
  RequestFailed: {
    kind: 'spent',
    acts: 'external issuer',
    meaning: 'The external issuer reported a failure.',
    remedy: 'Look at the CertificateRequest and at the controller that serves the API group of its issuer.',
  },
  Cancelled: {
    kind: 'spent',
    acts: 'certificate owner',
    meaning: 'An operator cancelled the attempt.',
    remedy: 'Send the signal renew to try again now; without it certloom tries again after the back-off.',
  },
  CleanUpPending: {
    kind: 'transient',
    acts: 'DNS operator',
    meaning: 'A challenge record could not be removed yet.',
    remedy: 'Mend what the message names; certloom tries for seven days.',
  },
  LeftBehind: {
    kind: 'blocked',
    acts: 'DNS operator',
    meaning: 'A challenge record stays behind: its removal was given up.',
    remedy: 'Remove the record that the message names by hand.',
  },
  SecretRefused: {
    kind: 'spent',
    acts: 'developer',
    meaning: 'certloom was about to hand a secret to Temporal, and refused.',
    remedy:
      'Report it with the name of the step: nothing secret was written, and certloom tries again after the back-off.',
  },
  Internal: {
    kind: 'transient',
    acts: 'developer',
    meaning: 'certloom itself made a mistake.',
    remedy: 'Report it with the message; the step is tried again.',
  },
} as const satisfies Record<string, FailureEntry>
