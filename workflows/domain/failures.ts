/**
 * Every way in which certloom can fail to keep a certificate current: one closed list. The code appears in the
 * `Stalled` condition, the event, Temporal's UI, metrics and docs/errors.md, always the same; a test compares.
 *
 * `kind` answers the only question that a retry engine has:
 * - `spec`: never, until the user changes the object;
 * - `blocked`: when the thing that is missing appears; looked at again, never counted as a failed attempt;
 * - `later`: at the time that the CA named;
 * - `transient`: now and again, in place;
 * - `spent`: the CA judged this attempt; count it and back off.
 */
export type FailureKind = 'spec' | 'blocked' | 'later' | 'transient' | 'spent'

export interface FailureEntry {
  readonly kind: FailureKind
  /** What is wrong, as the beginning of a sentence that the particulars complete. */
  readonly meaning: string
  /** What a person does about it, an imperative sentence. */
  readonly remedy: string
}

export const failures = {
  InvalidSpec: {
    kind: 'spec',
    meaning: 'A field of the object is not usable as written.',
    remedy: 'Change the field that the message names and apply the object again.',
  },
  NoNames: {
    kind: 'spec',
    meaning: 'The Certificate asks for no name at all.',
    remedy: 'Set at least one of spec.dnsNames, commonName, ipAddresses, uris, emailAddresses or otherNames.',
  },
  UnknownIssuerKind: {
    kind: 'spec',
    meaning: 'spec.issuerRef.kind is neither Issuer nor ClusterIssuer.',
    remedy:
      'Set spec.issuerRef.kind to Issuer or ClusterIssuer, or name the API group of an external issuer in spec.issuerRef.group.',
  },
  UnsupportedIssuer: {
    kind: 'spec',
    meaning: 'The issuer is of a type that this release does not serve.',
    remedy: 'Use an issuer of type acme, ca or selfSigned.',
  },
  NameNotOrderable: {
    kind: 'spec',
    meaning: 'The CA cannot be asked for these names.',
    remedy:
      'Put the common name among spec.dnsNames, and ask an ACME issuer for DNS names and IP addresses only.',
  },
  NoSolver: {
    kind: 'spec',
    meaning: 'No solver of the issuer fits one of the names.',
    remedy: 'Add a solver to the issuer whose selector matches the name; a wildcard needs a dns01 solver.',
  },
  UnsupportedSolver: {
    kind: 'spec',
    meaning: 'The solver that fits is of a kind that this release does not serve.',
    remedy: 'Use dns01.webhook with groupName certloom.dev and solverName exec.',
  },
  IssuerNotFound: {
    kind: 'blocked',
    meaning: 'The issuer does not exist.',
    remedy: 'Create the issuer, or correct spec.issuerRef.',
  },
  IssuerNotReady: {
    kind: 'blocked',
    meaning: 'The issuer is not ready.',
    remedy: 'Look at the issuer with kubectl describe and mend what its Ready condition names.',
  },
  IssuerPending: {
    kind: 'blocked',
    meaning: 'The issuer has not been verified yet.',
    remedy: 'Wait; certloom verifies a new or changed issuer by itself, usually within a second.',
  },
  SecretNotFound: {
    kind: 'blocked',
    meaning: 'A Secret that the issuer or its solver needs does not exist.',
    remedy: 'Create the Secret in the namespace that the message names.',
  },
  SecretKeyMissing: {
    kind: 'blocked',
    meaning: 'A Secret lacks a key that the issuer or its solver needs.',
    remedy: 'Add the key that the message names to the Secret.',
  },
  SecretInvalid: {
    kind: 'blocked',
    meaning: 'The content of a Secret cannot be used.',
    remedy: 'Replace the content of the Secret that the message names.',
  },
  SecretInUse: {
    kind: 'blocked',
    meaning: 'The target Secret belongs to something else and is not overwritten.',
    remedy: 'Choose another spec.secretName, or remove the Secret if nothing needs it.',
  },
  CannotRegenerateKey: {
    kind: 'blocked',
    meaning:
      'The existing private key does not fit spec.privateKey, and rotationPolicy Never forbids a new one.',
    remedy: 'Set spec.privateKey.rotationPolicy to Always, delete the Secret, or put spec.privateKey back.',
  },
  NotApproved: {
    kind: 'blocked',
    meaning: 'The CertificateRequest waits for approval.',
    remedy: 'Approve or deny the CertificateRequest (cmctl approve, cmctl deny).',
  },
  WaitingForExternalIssuer: {
    kind: 'blocked',
    meaning: 'The CertificateRequest waits for the controller of its external issuer.',
    remedy: 'Look at the CertificateRequest and at the controller that serves the API group of its issuer.',
  },
  PluginMissing: {
    kind: 'blocked',
    meaning: 'The exec plugin is not in the plugin directory.',
    remedy:
      'Install the plugin under that name in the plugin directory of the workers, or correct the name in the solver.',
  },
  PluginNotExecutable: {
    kind: 'blocked',
    meaning: 'The exec plugin cannot be executed.',
    remedy: 'Make the plugin a regular file with execute permission (chmod 0755), written only by its owner.',
  },
  PluginFailed: {
    kind: 'blocked',
    meaning: 'The exec plugin failed.',
    remedy: 'Mend what the message of the plugin names; it is run again by itself.',
  },
  PluginConfigInvalid: {
    kind: 'blocked',
    meaning: 'The exec plugin refused its configuration (exit code 2).',
    remedy: 'Correct the content of the Secret that the solver names in config.secretRef.',
  },
  PluginVersionUnsupported: {
    kind: 'blocked',
    meaning: 'The exec plugin does not support API version v1 (exit code 3).',
    remedy: 'Install a version of the plugin that supports APIVERSION=v1.',
  },
  PluginTimedOut: {
    kind: 'blocked',
    meaning: 'The exec plugin did not end in time and was killed.',
    remedy: 'Find out why the plugin hangs, or raise config.timeoutSeconds of the solver.',
  },
  PropagationPending: {
    kind: 'blocked',
    meaning: 'Not every authoritative name server shows the challenge record yet.',
    remedy: 'Wait; if it lasts, look at the name server that the message names.',
  },
  ZoneNotFound: {
    kind: 'blocked',
    meaning: 'The zone of the challenge name could not be found in DNS.',
    remedy: 'Check that the domain is delegated and that the resolvers of the workers can see it.',
  },
  CaUnreachable: {
    kind: 'blocked',
    meaning: 'The ACME server cannot be reached.',
    remedy: 'Check spec.acme.server of the issuer, the network and the TLS trust (spec.acme.caBundle).',
  },
  OrderLost: {
    kind: 'blocked',
    meaning: 'The ACME server no longer knows the order.',
    remedy: 'Nothing is left to do; certloom makes another order by itself.',
  },
  AccountProblem: {
    kind: 'blocked',
    meaning: 'The ACME server does not accept the account.',
    remedy:
      'Look at the Ready condition of the issuer: account key, external account binding, terms of service.',
  },
  RateLimited: {
    kind: 'later',
    meaning: 'The ACME server asks to come back later.',
    remedy: 'Wait; certloom goes on at the time that the message names.',
  },
  CaInternal: {
    kind: 'transient',
    meaning: 'The ACME server had an internal error.',
    remedy: 'Wait; the request is sent again.',
  },
  KubernetesUnavailable: {
    kind: 'transient',
    meaning: 'The Kubernetes API server did not answer.',
    remedy: 'Wait; the step is tried again.',
  },
  NotLeader: {
    kind: 'transient',
    meaning: 'Another controller holds the Lease cert-manager-controller: nothing is written.',
    remedy: 'Stop the other controller, or this one.',
  },
  ObjectGone: {
    kind: 'blocked',
    meaning: 'The object is gone or is being deleted.',
    remedy: 'Nothing is left to do; certloom ends the attempt.',
  },
  Forbidden: {
    kind: 'blocked',
    meaning: 'The Kubernetes API server refused the call.',
    remedy: 'Grant the right that the message names, or mend the admission policy that refused it.',
  },
  AuthorizationInvalid: {
    kind: 'spent',
    meaning: 'The ACME server could not validate the challenge.',
    remedy:
      'Mend what the problem of the ACME server names; certloom tries again after the back-off, at once after a change or a renew.',
  },
  OrderRejected: {
    kind: 'spent',
    meaning: 'The ACME server refused the order.',
    remedy: 'Mend what the problem of the ACME server names, usually a name or the profile.',
  },
  OrderInvalid: {
    kind: 'spent',
    meaning: 'The ACME server ended the order without a certificate.',
    remedy: 'Look at the reason of the Order; certloom tries again after the back-off.',
  },
  CertificateInvalid: {
    kind: 'spent',
    meaning: 'The issued certificate does not fit the request.',
    remedy:
      'Look at the issuer: its answer has another key, other names, a broken chain or dates that have passed.',
  },
  SigningFailed: {
    kind: 'spent',
    meaning: 'The issuer could not sign the request.',
    remedy: 'Mend what the message names at the issuer.',
  },
  RequestDenied: {
    kind: 'spent',
    meaning: 'The CertificateRequest was denied or marked invalid.',
    remedy: 'Ask whoever denied the request; certloom asks again after the back-off.',
  },
  RequestFailed: {
    kind: 'spent',
    meaning: 'The external issuer reported a failure.',
    remedy: 'Look at the CertificateRequest and at the controller that serves the API group of its issuer.',
  },
  Cancelled: {
    kind: 'spent',
    meaning: 'An operator cancelled the attempt.',
    remedy: 'Send the signal renew to try again now; without it certloom tries again after the back-off.',
  },
  CleanUpPending: {
    kind: 'transient',
    meaning: 'A challenge record could not be removed yet.',
    remedy: 'Mend what the message names; certloom tries for seven days.',
  },
  LeftBehind: {
    kind: 'blocked',
    meaning: 'A challenge record stays behind: its removal was given up.',
    remedy: 'Remove the record that the message names by hand.',
  },
  SecretRefused: {
    kind: 'spent',
    meaning: 'certloom was about to hand a secret to Temporal, and refused.',
    remedy:
      'Report it with the name of the step: nothing secret was written, and certloom tries again after the back-off.',
  },
  Internal: {
    kind: 'transient',
    meaning: 'certloom itself made a mistake.',
    remedy: 'Report it with the message; the step is tried again.',
  },
} as const satisfies Record<string, FailureEntry>

export type FailureCode = keyof typeof failures

/** A failure as it travels through histories and conditions: plain data, no secret, no stack. */
export interface Failure {
  code: FailureCode
  /** The particulars in at most 256 characters, cleaned of control characters and key material. */
  message: string
  /** RFC 3339 time before which no further try is made; only for kind `later`. */
  notBefore?: string
}

export function failureKind(code: FailureCode): FailureKind {
  return failures[code].kind
}

export function isFailureCode(value: unknown): value is FailureCode {
  return typeof value === 'string' && Object.hasOwn(failures, value)
}

/** What a user reads in `Stalled`, in the event and in the UI: the particulars, then what to do. */
export function describeFailure(failure: Failure): string {
  const { meaning, remedy } = failures[failure.code]
  const particulars = failure.message === '' ? meaning : failure.message
  return `${particulars.replace(/[.\s]*$/, '')}. ${remedy}`
}
