import { arch, platform, versions } from 'node:process'
import { Runtime, type ActivityInterceptorsFactory } from '@temporalio/worker'
import type { AcmeExchange } from '../../activities/clients/acme.ts'
import type { Logger } from '../../activities/deps.ts'
import { installRuntime } from '../runtime.ts'
import { acmeMetrics } from './acme-metrics.ts'
import { MetricRegistry, type TimeOf } from './registry.ts'
import { SdkLog } from './sdk-log.ts'
import { freeLoopbackAddress, sdkMetrics } from './sdk-metrics.ts'
import { stepTelemetry } from './step-metrics.ts'

const VERSION = '0.1.0'

/** The metrics of one process and what feeds them. */
export class Telemetry {
  readonly registry = new MetricRegistry()
  readonly sdkLog: SdkLog
  /** Told of every request to an ACME server. */
  readonly observeAcme: (exchange: AcmeExchange) => void
  /** Around every step. */
  readonly steps: ActivityInterceptorsFactory
  /** Told of every issuance that the bridge saw from its beginning to its end. */
  readonly issuances: TimeOf<'issuer_type' | 'outcome'>
  readonly #log: Logger
  readonly #sdkAddress: string | undefined

  constructor(log: Logger, prefix: string, sdkAddress?: string) {
    this.#log = log
    this.#sdkAddress = sdkAddress
    this.registry.add({
      name: 'certloom_build_info',
      help: 'Always 1; its labels say what runs.',
      type: 'gauge',
      labels: ['version', 'node', 'platform'],
      collect: () => [{ labels: [VERSION, versions.node, `${platform}-${arch}`], value: 1 }],
    })
    this.observeAcme = acmeMetrics(this.registry)
    this.steps = stepTelemetry(this.registry, log, prefix)
    const failures = this.registry.counter(
      'certloom_workflow_task_failures_total',
      'Tasks of workflows that failed: a bug in workflow code (workflowCode), or code that does not fit the history (nonDeterminism). The server has them tried again; nothing happens to their objects meanwhile.',
      ['workflow_type', 'reason'] as const,
    )
    this.sdkLog = new SdkLog(log, prefix, ({ workflowType, reason }) =>
      failures.add({ workflow_type: workflowType, reason }),
    )
    this.issuances = this.registry.histogram(
      'certloom_issuance_duration_seconds',
      'Seconds from the condition Issuing to its end, as the bridge saw them; outcome is issued or failed.',
      ['issuer_type', 'outcome'] as const,
    )
  }

  /** The text of /metrics: ours, and that of the Temporal SDK. */
  async text(): Promise<string> {
    const own = await this.registry.text()
    if (this.#sdkAddress === undefined) return own
    try {
      return own + (await sdkMetrics(this.#sdkAddress))
    } catch (error) {
      this.#log.warn({ error: String(error) }, 'metrics of the Temporal SDK are missing from this scrape')
      return own
    }
  }
}

/** Sets up logging and metrics of the process; `metrics` says whether anybody can ask for them. Once per process. */
export async function startTelemetry(log: Logger, prefix: string, metrics: boolean): Promise<Telemetry> {
  const address = metrics ? await freeLoopbackAddress() : undefined
  const telemetry = new Telemetry(log, prefix, address)
  if (metrics) telemetry.registry.addProcess()
  installRuntime(telemetry.sdkLog, address)
  // Instantiated now: a port that somebody took meanwhile is found at once.
  Runtime.instance()
  return telemetry
}
