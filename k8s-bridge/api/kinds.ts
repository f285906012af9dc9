/** An API resource: everything that its paths need. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
}

/** The kinds that certloom serves, and those of Kubernetes that it uses. Event is that of the core group. */
export const kinds = {
  Certificate: resource('cert-manager.io', 'v1', 'Certificate', 'certificates', true),
  CertificateRequest: resource('cert-manager.io', 'v1', 'CertificateRequest', 'certificaterequests', true),
  Issuer: resource('cert-manager.io', 'v1', 'Issuer', 'issuers', true),
  ClusterIssuer: resource('cert-manager.io', 'v1', 'ClusterIssuer', 'clusterissuers', false),
  Order: resource('acme.cert-manager.io', 'v1', 'Order', 'orders', true),
  Challenge: resource('acme.cert-manager.io', 'v1', 'Challenge', 'challenges', true),
  Secret: resource('', 'v1', 'Secret', 'secrets', true),
  Event: resource('', 'v1', 'Event', 'events', true),
  Namespace: resource('', 'v1', 'Namespace', 'namespaces', false),
  Lease: resource('coordination.k8s.io', 'v1', 'Lease', 'leases', true),
  Ingress: resource('networking.k8s.io', 'v1', 'Ingress', 'ingresses', true),
} as const
export type Kind = keyof typeof kinds

function resource<const K extends string>(
  group: string,
  version: string,
  kind: K,
  plural: string,
  namespaced: boolean,
) {
  return { group, version, kind, plural, namespaced }
}

/** `cert-manager.io/v1`, or `v1` for the core group. */
export function apiVersionOf(kind: Kind): string {
  const { group, version } = kinds[kind]
  return group === '' ? version : `${group}/${version}`
}

/**
 * The path of an object, of the objects of one namespace, or (without namespace) of all objects of a kind.
 *
 * @throws RangeError if a part cannot stand in a path or does not belong there, such as a namespace for a ClusterIssuer
 */
export function apiPath(kind: Kind, namespace?: string, name?: string, subresource?: string): string {
  const { group, version, plural, namespaced } = kinds[kind]
  if (namespace !== undefined && !namespaced)
    throw new RangeError(`${kind} has no namespace, but one was given`)
  if (name !== undefined && namespaced && namespace === undefined) {
    throw new RangeError(`the path of one ${kind} needs its namespace`)
  }
  if (subresource !== undefined && name === undefined)
    throw new RangeError(`${subresource} of ${kind} needs a name`)

  let path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  if (namespace !== undefined) path += `/namespaces/${segment(kind, 'namespace', namespace)}`
  path += `/${plural}`
  if (name !== undefined) path += `/${segment(kind, 'name', name)}`
  if (subresource !== undefined) path += `/${segment(kind, 'subresource', subresource)}`
  return path
}

// Names come from fields that no CRD restricts: "..", a slash or an escape would lead to another object.
function segment(kind: Kind, part: string, text: string): string {
  if (!/^[A-Za-z0-9]([-A-Za-z0-9_.:]*[A-Za-z0-9])?$/.test(text)) {
    throw new RangeError(
      `${part} of ${kind} cannot stand in a path: use letters, digits, "-", "." and ":" only`,
    )
  }
  return text
}
