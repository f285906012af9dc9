import { fileURLToPath } from 'node:url'
import type { DataConverter, PayloadCodec } from '@temporalio/common'
import { isResult } from '../../activities/boundary.ts'
import type { Logger } from '../../activities/deps.ts'
import type { Configuration } from '../configuration.ts'
import { EncryptionCodec } from './encryption-codec.ts'
import { GuardCodec } from './guard-codec.ts'
import { PayloadKeys } from './payload-keys.ts'

/** What this process hands to Temporal and reads from it goes through these. */
export interface Converters {
  /** For clients: a call that would carry a secret fails. */
  client: DataConverter & { payloadCodecs: PayloadCodec[] }
  /** For workers: an activity that would return a secret fails; a workflow goes on without it. */
  worker: DataConverter & { payloadCodecs: PayloadCodec[] }
  /** Where payloads are encrypted, messages of failures are too. */
  encrypts: boolean
}

/** @throws Error where the payload keys file cannot be used */
export function temporalConverters({ payloadKeysFile }: Configuration, log: Logger): Converters {
  const encrypts = payloadKeysFile !== ''
  const encryption = encrypts
    ? [new EncryptionCodec(new PayloadKeys(payloadKeysFile, (problem) => log.error({}, problem)))]
    : []
  const failureConverterPath = pathOf(encrypts ? './encoding-failure-converter.ts' : './failure-converter.ts')
  const converter = (mayRefuse: () => boolean) => {
    const onSecret = (found: string) =>
      log.error({ found, refused: mayRefuse() }, 'a secret was kept out of Temporal')
    return { failureConverterPath, payloadCodecs: [new GuardCodec({ mayRefuse, onSecret }), ...encryption] }
  }
  return { client: converter(() => true), worker: converter(isResult), encrypts }
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}
