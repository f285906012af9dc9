import type { IssuerReference } from './desired.ts'

/** The API group of the built-in issuers, meant wherever issuerRef.group is empty. */
export const builtInGroup = 'cert-manager.io'

const defaultKind = 'Issuer'

/** The reference with cert-manager's run-time defaults filled in; the schema has none on purpose. */
export function resolveIssuer(reference: IssuerReference): Required<IssuerReference> {
  return {
    name: reference.name,
    kind: reference.kind || defaultKind,
    group: reference.group || builtInGroup,
  }
}

export function sameIssuer(left: IssuerReference, right: IssuerReference): boolean {
  const [a, b] = [resolveIssuer(left), resolveIssuer(right)]
  return a.name === b.name && a.kind === b.kind && a.group === b.group
}

/** `Kind.group/name`, as cert-manager's messages write an issuer. */
export function describeIssuer(reference: IssuerReference): string {
  const { name, kind, group } = resolveIssuer(reference)
  return `${kind}.${group}/${name}`
}
