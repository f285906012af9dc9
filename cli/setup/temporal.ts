import { Connection, isGrpcServiceError } from '@temporalio/client'
import { SearchAttributeType } from '@temporalio/common'
import { msToTs } from '@temporalio/common/lib/time.js'
import type { temporal } from '@temporalio/proto'
import { searchAttributes } from '../../workflows/search-attributes.ts'
import { SetupError } from './error.ts'
import { until, type Patience } from './wait.ts'

export interface TemporalOptions {
  /** host:port of the frontend; for messages only where `connection` is given. */
  address: string
  namespace: string
  /** Used and left open; without it one is made and closed. */
  connection?: Connection
}

interface Job {
  connection: Connection
  namespace: string
  address: string
  retentionDays: number
  log: (line: string) => void
  patience: Patience
}

const DAY_MS = 86_400_000
const CONNECT_TIMEOUT_MS = 10_000

/** gRPC status codes that have a meaning here. */
const NOT_FOUND = 5
const ALREADY_EXISTS = 6
const PERMISSION_DENIED = 7
const UNAVAILABLE = 14

/** Numbers of temporal.api.enums.v1.IndexedValueType. */
const indexedTypes: Readonly<Record<SearchAttributeType, number>> = {
  [SearchAttributeType.TEXT]: 1,
  [SearchAttributeType.KEYWORD]: 2,
  [SearchAttributeType.INT]: 3,
  [SearchAttributeType.DOUBLE]: 4,
  [SearchAttributeType.BOOL]: 5,
  [SearchAttributeType.DATETIME]: 6,
  [SearchAttributeType.KEYWORD_LIST]: 7,
}

/** Makes the Temporal namespace and the search attributes, or corrects them, and waits until both can be used. */
export async function setupTemporal(
  options: TemporalOptions,
  job: Pick<Job, 'retentionDays' | 'log' | 'patience'>,
): Promise<void> {
  const { address, namespace } = options
  const connection = options.connection ?? (await connect(address))
  const whole: Job = { ...job, connection, namespace, address }
  try {
    await connection.withAbortSignal(job.patience.signal, async () => {
      await ensureNamespace(whole)
      await ensureSearchAttributes(whole)
      await usable(whole)
    })
  } catch (error) {
    job.patience.signal.throwIfAborted()
    throw error instanceof SetupError ? error : explained(error, whole)
  } finally {
    if (options.connection === undefined) await connection.close()
  }
}

async function connect(address: string): Promise<Connection> {
  try {
    return await Connection.connect({ address, connectTimeout: CONNECT_TIMEOUT_MS })
  } catch (cause) {
    const message = `Temporal cannot be reached at ${address}: start it, or set --temporal-address to its frontend`
    throw new SetupError(message, { detail: textOf(cause), cause })
  }
}

async function ensureNamespace({ connection, namespace, retentionDays, log }: Job): Promise<void> {
  const retention = msToTs(retentionDays * DAY_MS)
  const found = await unless(NOT_FOUND, connection.workflowService.describeNamespace({ namespace }))
  const there = found?.config?.workflowExecutionRetentionTtl?.seconds
  if (found === undefined) {
    const description = 'Certificates of Kubernetes clusters, by certloom.'
    const request = { namespace, description, workflowExecutionRetentionPeriod: retention }
    await unless(ALREADY_EXISTS, connection.workflowService.registerNamespace(request))
    log(`Temporal namespace ${namespace} made; closed runs are kept ${retentionDays} days`)
  } else if (Number(there) !== Number(retention.seconds)) {
    const config = { workflowExecutionRetentionTtl: retention }
    await connection.workflowService.updateNamespace({ namespace, config })
    log(`Temporal namespace ${namespace} is there; closed runs are now kept ${retentionDays} days`)
  } else {
    log(`Temporal namespace ${namespace} is there`)
  }
}

async function ensureSearchAttributes(job: Job): Promise<void> {
  const { connection, namespace, log } = job
  const { customAttributes } = await until<temporal.api.operatorservice.v1.IListSearchAttributesResponse>(
    `the search attributes of the Temporal namespace ${namespace} can be listed`,
    'look at the log of the Temporal server',
    async () => {
      const found = await unless(NOT_FOUND, connection.operatorService.listSearchAttributes({ namespace }))
      return found === undefined ? { pending: 'the namespace is not known everywhere yet' } : { done: found }
    },
    job.patience,
  )
  const missing: Record<string, number> = {}
  for (const { name, type } of Object.values(searchAttributes)) {
    const there: number | undefined = customAttributes?.[name]
    if (there === undefined) missing[name] = indexedTypes[type]
    else if (there !== indexedTypes[type]) throw new SetupError(wrongType(namespace, name, type, there))
  }
  const names = Object.keys(missing)
  if (names.length > 0) {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: missing })
  }
  log(
    names.length === 0 ? 'search attributes are there' : `search attributes registered: ${names.join(', ')}`,
  )
}

function wrongType(namespace: string, name: string, wanted: string, there: number): string {
  const is = Object.entries(indexedTypes).find(([, number]) => number === there)?.[0] ?? String(there)
  return `the search attribute ${name} of the Temporal namespace ${namespace} is of type ${is} and must be ${wanted}: use another namespace (--temporal-namespace), or remove it with temporal operator search-attribute remove --name ${name}`
}

/** A namespace and its attributes reach every part of a server only after its caches are read anew. */
async function usable({ connection, namespace, patience }: Job): Promise<void> {
  const query = Object.values(searchAttributes)
    .map(({ name }) => `${name} IS NULL`)
    .join(' AND ')
  await until(
    `the Temporal namespace ${namespace} answers with all search attributes`,
    'look at the log of the Temporal server',
    async () => {
      try {
        await connection.workflowService.countWorkflowExecutions({ namespace, query })
        return { done: true }
      } catch (error) {
        const code = codeOf(error)
        if (code === undefined || code === PERMISSION_DENIED) throw error
        return { pending: textOf(error) }
      }
    },
    patience,
  )
}

/** Undefined where the call fails with that status. */
async function unless<T>(code: number, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (codeOf(error) === code) return undefined
    throw error
  }
}

/** The gRPC status, or undefined where the error is none of the server's. */
function codeOf(error: unknown): number | undefined {
  return isGrpcServiceError(error) ? Number(error.code) : undefined
}

function explained(cause: unknown, { address, namespace }: Job): SetupError {
  const code = codeOf(cause)
  const remedy =
    code === PERMISSION_DENIED
      ? 'let whoever may make them make the namespace and its search attributes (docs/operations.md lists names and types), then use --skip-temporal'
      : code === UNAVAILABLE
        ? 'check that the server runs'
        : 'look at what the server says'
  return new SetupError(`Temporal at ${address} refused to set up the namespace ${namespace}: ${remedy}`, {
    detail: textOf(cause),
    cause,
  })
}

function textOf(error: unknown): string {
  if (isGrpcServiceError(error)) return error.details || error.message
  return error instanceof Error ? error.message : String(error)
}
