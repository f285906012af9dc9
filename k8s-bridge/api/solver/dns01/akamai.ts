import * as z from 'zod'
import { secretKey } from '../../references.ts'

export const akamai = z
  .object({
    serviceConsumerDomain: z.string().describe('Host of the API client, such as akab-….luna.akamaiapis.net.'),
    clientTokenSecretRef: secretKey('the client token'),
    clientSecretSecretRef: secretKey('the client secret'),
    accessTokenSecretRef: secretKey('the access token'),
  })
  .describe('Akamai Edge DNS.')
