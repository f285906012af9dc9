import { isGrpcServiceError, type Client } from '@temporalio/client'
import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common'
import { WorkflowNotFoundError } from '@temporalio/client'
import {
  TASK_QUEUE,
  certificateWorkflowId,
  issuerWorkflowId,
  workflowTypes,
  type CertificateInput,
  type Doorbell as DoorbellMessage,
  type IssuerInput,
  type KnownFacts,
  type WorkflowMemo,
} from '../workflows/messages.ts'
import { sha256Hex } from '../activities/hash.ts'
import { TemporalUnavailable, keyOf, type Doorbell, type OpenWorkflow, type Target } from './doorbell.ts'

export interface TemporalDoorbellOptions {
  client: Client
  /** Those of the client: memos are read by hand. */
  codecs: readonly PayloadCodec[]
  namespace: string
  /** uid of the namespace kube-system. */
  cluster: string
  prefix: string
  /** Milliseconds for one signal. */
  deadline: number
  /** Milliseconds for one page of the list of open workflows; the list takes as many pages as it needs. */
  pageDeadline: number
}

/** gRPC status codes that mean *Temporal is away*, not *the call is wrong*. */
const AWAY = new Set([1, 4, 8, 13, 14])
const PAGE_SIZE = 1000

export function temporalDoorbell({
  client,
  codecs,
  namespace,
  cluster,
  prefix,
  deadline,
  pageDeadline,
}: TemporalDoorbellOptions): Doorbell {
  const idOf = (target: Target) =>
    target.kind === 'Certificate'
      ? certificateWorkflowId(prefix, target, sha256Hex)
      : issuerWorkflowId(prefix, { ...target, kind: target.kind }, sha256Hex)
  const call = <T>(run: () => Promise<T>) => inTime(client, deadline, run)
  const page = <T>(run: () => Promise<T>) => inTime(client, pageDeadline, run)

  return {
    ring: (target, signal, known, cause) =>
      call(async () => {
        const message: DoorbellMessage = { v: 1, uid: known.uid, generation: known.generation, cause }
        const memo: WorkflowMemo = { cluster, known, target }
        await client.workflow.signalWithStart(workflowType(target), {
          workflowId: idOf(target),
          taskQueue: prefix + TASK_QUEUE,
          workflowIdConflictPolicy: 'USE_EXISTING',
          args: [inputOf(target, cluster, known)],
          memo,
          signal,
          signalArgs: [message],
          staticSummary: `${target.kind} ${target.namespace}${target.namespace === '' ? '' : '/'}${target.name}`,
        })
      }),
    tellDeleted: (target) =>
      call(async () => {
        try {
          await client.workflow
            .getHandle(idOf(target))
            .signal('deleted', { v: 1, cause: 'the object is gone' })
        } catch (error) {
          if (!(error instanceof WorkflowNotFoundError)) throw error
        }
      }),
    openWorkflows: () => listOpen({ client, codecs, namespace, cluster, idOf, inPageTime: page }),
  }
}

function workflowType(target: Target): string {
  return target.kind === 'Certificate' ? workflowTypes.certificate : workflowTypes.issuer
}

function inputOf(target: Target, cluster: string, known: KnownFacts): CertificateInput | IssuerInput {
  const { kind, namespace, name } = target
  return kind === 'Certificate'
    ? { v: 1, cluster, namespace, name, known }
    : { v: 1, cluster, kind, namespace, name, known }
}

async function inTime<T>(client: Client, deadline: number, run: () => Promise<T>): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + deadline, run)
  } catch (error) {
    if (isAway(error)) throw new TemporalUnavailable('Temporal does not answer', { cause: error })
    throw error
  }
}

function isAway(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isGrpcServiceError(cause) && AWAY.has(cause.code)) return true
  }
  return false
}

interface ListOptions extends Pick<TemporalDoorbellOptions, 'client' | 'codecs' | 'namespace' | 'cluster'> {
  idOf: (target: Target) => string
  /** Gives each page a time of its own: ten thousand workflows take several times as long as one page. */
  inPageTime: <T>(run: () => Promise<T>) => Promise<T>
}

/** The raw call with pages of 1000: half the time of the client's own iterator. */
async function listOpen({ client, codecs, namespace, cluster, idOf, inPageTime }: ListOptions) {
  const open = new Map<string, OpenWorkflow>()
  const types = `WorkflowType IN ("${workflowTypes.certificate}","${workflowTypes.issuer}")`
  let nextPageToken: Uint8Array | undefined
  do {
    const request = {
      namespace,
      pageSize: PAGE_SIZE,
      query: `ExecutionStatus="Running" AND ${types}`,
      nextPageToken,
    }
    const page = await inPageTime(() => client.workflowService.listWorkflowExecutions(request))
    const memos = await readMemos(
      page.executions.map(({ memo }) => memo?.fields ?? {}),
      codecs,
    )
    for (const [at, { searchAttributes, execution }] of page.executions.entries()) {
      const memo = memos[at] ?? {}
      const target = memo['target'] as Target | undefined
      if (target === undefined) continue
      if (memo['cluster'] !== cluster) {
        // With another prefix it is a neighbour; with ours each of us would ring and carry out what is the other's.
        if (execution?.workflowId === idOf(target)) throw foreign(namespace, idOf(target))
        continue
      }
      const reported = searchAttributes?.indexedFields?.['TemporalReportedProblems']
      open.set(keyOf(target), {
        target,
        workflowId: execution?.workflowId ?? '',
        runId: execution?.runId ?? '',
        known: memo['known'] as KnownFacts | undefined,
        problems: reported ? (defaultPayloadConverter.fromPayload<string[]>(reported) ?? []) : [],
      })
    }
    nextPageToken = page.nextPageToken
  } while (nextPageToken !== undefined && nextPageToken.length > 0)
  return open
}

function foreign(namespace: string, workflowId: string): Error {
  return new Error(
    `the workflow ${workflowId} in the Temporal namespace ${namespace} is of another cluster: give each cluster its own CERTLOOM_WORKFLOW_PREFIX or its own TEMPORAL_NAMESPACE; where that cluster is gone for good, terminate its workflows`,
  )
}

/** All memos of a page pass the codecs at once. */
async function readMemos(
  memos: readonly { [name: string]: Payload }[],
  codecs: readonly PayloadCodec[],
): Promise<Record<string, unknown>[]> {
  let payloads = memos.flatMap((fields) => Object.values(fields))
  for (const codec of codecs.toReversed()) payloads = await codec.decode(payloads)
  const decoded = payloads.values()
  return memos.map((fields) =>
    Object.fromEntries(
      Object.keys(fields).map((name) => {
        const payload = decoded.next().value
        return [name, payload && defaultPayloadConverter.fromPayload<unknown>(payload)]
      }),
    ),
  )
}
