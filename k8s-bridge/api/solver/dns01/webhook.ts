import * as z from 'zod'

export const webhook = z
  .object({
    groupName: z
      .string()
      .describe('API group under which the solver is registered. certloom.dev: solvers inside certloom.'),
    solverName: z.string().describe('Name of the solver in that group, such as exec for exec plugins.'),
    config: z
      .unknown()
      .meta({ 'x-kubernetes-preserve-unknown-fields': true })
      .describe('Anything that the solver wants to be told. Secrets belong into a Secret that it names.')
      .optional(),
  })
  .describe('A solver outside the API: a cert-manager webhook, or one inside certloom.')
export type WebhookSolver = z.output<typeof webhook>
