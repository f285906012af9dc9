import * as z from 'zod'
import { secretKey } from '../../references.ts'

export const rfc2136 = z
  .object({
    nameserver: z
      .string()
      .describe('IP address of the primary server, with port if not 53: 192.0.2.1:5353, [2001:db8::1]:53.'),
    protocol: z.enum(['TCP', 'UDP']).describe('Transport of the updates. Default: UDP.').optional(),
    tsigKeyName: z.string().describe('Name of the TSIG key. Needed with tsigSecretSecretRef.').optional(),
    tsigSecretSecretRef: secretKey('the TSIG key in base64').optional(),
    tsigAlgorithm: z.string().describe('HMACMD5 (default), HMACSHA1, HMACSHA256 or HMACSHA512.').optional(),
  })
  .describe('Dynamic updates (RFC 2136), signed with TSIG (RFC 8945): BIND, Knot, PowerDNS and others.')
