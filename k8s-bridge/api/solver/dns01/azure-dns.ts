import * as z from 'zod'
import { secretKey } from '../../references.ts'

const managedIdentity = z
  .object({
    clientID: z.string().describe('Client id of the identity. Not together with resourceID.').optional(),
    resourceID: z.string().describe('Resource id of the identity. Not for workload identity.').optional(),
    tenantID: z.string().describe('Tenant of the identity. Not together with resourceID.').optional(),
  })
  .describe('Workload or managed identity to use. Default: that of the controller.')

export const azureDNS = z
  .object({
    subscriptionID: z.string().describe('Subscription that holds the zone.'),
    resourceGroupName: z.string().describe('Resource group that holds the zone.'),
    hostedZoneName: z.string().describe('Name of the zone. Default: found through DNS.').optional(),
    clientID: z
      .string()
      .describe('Client id of a service principal; then clientSecretSecretRef and tenantID are needed too.')
      .optional(),
    clientSecretSecretRef: secretKey('the secret of the service principal').optional(),
    tenantID: z.string().describe('Tenant of the service principal.').optional(),
    managedIdentity: managedIdentity.optional(),
    environment: z
      .enum(['AzurePublicCloud', 'AzureChinaCloud', 'AzureGermanCloud', 'AzureUSGovernmentCloud'])
      .describe('Cloud to talk to. Default: AzurePublicCloud.')
      .optional(),
    zoneType: z
      .enum(['AzurePublicZone', 'AzurePrivateZone'])
      .describe('Type of the zone. Default: AzurePublicZone.')
      .optional(),
  })
  .describe('Azure DNS.')
