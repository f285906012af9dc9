/** The API group under which our own solvers are addressed through cert-manager's free-form webhook solver. */
export const SOLVER_GROUP = 'certloom.dev'

/** Finds the configuration of `dns01.webhook {groupName: certloom.dev, solverName}`: for kinds that we serve in process. */
export function inProcessSolver(solverName: string) {
  return {
    usage: `dns01.webhook with groupName ${SOLVER_GROUP} and solverName ${solverName}`,
    find(dns01: Readonly<Record<string, unknown>>) {
      const webhook = dns01.webhook as
        { groupName?: unknown; solverName?: unknown; config?: unknown } | null | undefined
      if (webhook?.groupName !== SOLVER_GROUP || webhook.solverName !== solverName) return undefined
      return { config: webhook.config ?? undefined, path: 'webhook.config' }
    },
  }
}
