/**
 * What a workflow works for, as a field of log lines: `certificate: namespace/name`, `issuer: namespace/name` or the
 * name of a ClusterIssuer, `dnsName: fqdn`. An id that was too long ends in a hash, and so does the name then.
 */
export function subjectOfWorkflow(workflowId: string, prefix: string): Record<string, string> {
  const id = workflowId.startsWith(prefix) ? workflowId.slice(prefix.length) : workflowId
  const slash = id.indexOf('/')
  const [kind, rest] = [id.slice(0, slash), id.slice(slash + 1)]
  switch (kind) {
    case 'certificate':
      return { certificate: rest }
    case 'issuer':
    case 'cluster-issuer':
      return { issuer: rest }
    case 'dns-name':
      return { dnsName: rest }
    default:
      return {}
  }
}

interface Named {
  namespace: string
  name: string
}

/** The same from what a step was asked to do, where that names it in full. */
export function subjectOfStep(input: unknown, workflowId: string, prefix: string): Record<string, string> {
  const { certificate, challenge } = (input ?? {}) as { certificate?: unknown; challenge?: unknown }
  return {
    ...subjectOfWorkflow(workflowId, prefix),
    ...(isNamed(certificate) && { certificate: text(certificate) }),
    ...(isNamed(challenge) && { challenge: text(challenge) }),
  }
}

function isNamed(value: unknown): value is Named {
  const { namespace, name } = (value ?? {}) as Partial<Record<keyof Named, unknown>>
  return typeof namespace === 'string' && typeof name === 'string'
}

function text({ namespace, name }: Named): string {
  return namespace === '' ? name : `${namespace}/${name}`
}
