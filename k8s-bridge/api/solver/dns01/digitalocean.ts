import * as z from 'zod'
import { secretKey } from '../../references.ts'

export const digitalocean = z
  .object({ tokenSecretRef: secretKey('an API token that may edit the domain') })
  .describe('DigitalOcean DNS.')
