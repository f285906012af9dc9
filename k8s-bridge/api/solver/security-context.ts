import * as z from 'zod'
import { atomicList, int64 } from '../fields.ts'

const seLinuxOptions = z
  .object({
    user: z.string().describe('SELinux user.').optional(),
    role: z.string().describe('SELinux role.').optional(),
    type: z.string().describe('SELinux type.').optional(),
    level: z.string().describe('SELinux level.').optional(),
  })
  .describe('SELinux label of the containers.')

const seccompProfile = z
  .object({
    type: z.string().describe('RuntimeDefault, Localhost or Unconfined.'),
    localhostProfile: z.string().describe('File of the profile on the node, for type Localhost.').optional(),
  })
  .describe('Which system calls are allowed.')

const sysctl = z
  .object({
    name: z.string().describe('Name of the kernel parameter.'),
    value: z.string().describe('Its value.'),
  })
  .describe('One kernel parameter.')

export const securityContext = z
  .object({
    fsGroup: int64().describe('Group that owns the volumes.').optional(),
    fsGroupChangePolicy: z
      .string()
      .describe('When to change the owner of a volume: Always (default) or OnRootMismatch.')
      .optional(),
    runAsGroup: int64().describe('Group id of the processes.').optional(),
    runAsNonRoot: z.boolean().describe('Refuse to run as user 0.').optional(),
    runAsUser: int64().describe('User id of the processes.').optional(),
    seLinuxOptions: seLinuxOptions.optional(),
    seccompProfile: seccompProfile.optional(),
    supplementalGroups: atomicList(int64()).describe('Further group ids of the processes.').optional(),
    sysctls: atomicList(sysctl).describe('Kernel parameters of the Pod.').optional(),
  })
  .describe('Security settings of the Pod.')
