import * as z from 'zod'
import { atomicList, optionalInCrd } from '../fields.ts'

const window = z
  .object({
    cron: z.string().min(1).describe('When the window opens: five cron fields, such as "0 2 * * 6".'),
    windowDuration: z
      .string()
      .regex(/^([0-9]+(\.[0-9]+)?(s|m|h))+$/)
      .describe('How long it stays open: numbers with s, m or h, such as 2h30m.'),
    timezone: z
      .string()
      .min(1)
      .describe('IANA time zone of cron, such as Europe/Berlin. Default: UTC.')
      .optional(),
  })
  .describe('A time in which renewals may begin.')

export const renewal = z
  .object({
    policy: optionalInCrd(
      z
        .enum(['RenewBefore', 'Disabled'])
        .describe(
          'Needed. RenewBefore: renew before expiry as renewBefore or renewBeforePercentage says. Disabled: never renew.',
        ),
    ),
    windows: atomicList(window)
      .describe('Renew only in these windows. Not with policy Disabled. Empty: at any time.')
      .optional(),
  })
  .describe('When, and whether, the certificate is renewed by itself.')
