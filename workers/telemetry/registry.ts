import {
  Counter,
  Gauge,
  Histogram,
  Registry,
  Summary,
  collectDefaultMetrics,
  type MetricObjectWithValues,
  type MetricValue,
} from 'prom-client'
import type { MetricFamily, Sample } from '../../k8s-bridge/metrics/family.ts'

/** How a metric is described in docs/metrics.md. */
export interface MetricDescription {
  name: string
  type: string
  help: string
  labels: readonly string[]
}

type Values<L extends string> = Record<L, string>
export interface CounterOf<L extends string> {
  add(labels: Values<L>, value?: number): void
}
export interface TimeOf<L extends string> {
  observe(labels: Values<L>, seconds: number): void
}

/** Seconds; steps take from milliseconds to the minutes of a slow DNS provider. */
const STEP_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1200]
/** How often the delay of the event loop is sampled, in milliseconds; the default of 10 would never let a process sleep. */
const LOOP_SAMPLING_MS = 100

/** All metrics of one process, and their text for Prometheus (exposition format 0.0.4). */
export class MetricRegistry {
  readonly #registry = new Registry()
  readonly #descriptions: MetricDescription[] = []

  get contentType(): string {
    return this.#registry.contentType
  }

  /** What is served besides the metrics of the process and of Node, in the order in which it was added. */
  get descriptions(): readonly MetricDescription[] {
    return this.#descriptions
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** process_* and nodejs_*: CPU, memory, file descriptors, event loop, heap. */
  addProcess(): void {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LOOP_SAMPLING_MS })
  }

  add(...families: MetricFamily[]): void {
    for (const family of families) {
      this.#describe(family.name, family.type, family.help, family.labels)
      if (family.type === 'gauge') new LiveGauge(family, this.#registry)
      else new LiveCounter(family, this.#registry)
    }
  }

  counter<L extends string>(name: string, help: string, labels: readonly L[]): CounterOf<L> {
    this.#describe(name, 'counter', help, labels)
    const counter = new Counter({ name, help, labelNames: labels, registers: [this.#registry] })
    return { add: (values, value = 1) => counter.inc(values, value) }
  }

  /** Durations in seconds, as a histogram. */
  histogram<L extends string>(name: string, help: string, labels: readonly L[]): TimeOf<L> {
    this.#describe(name, 'histogram', help, labels)
    const histogram = new Histogram({
      name,
      help,
      labelNames: labels,
      buckets: STEP_BUCKETS,
      registers: [this.#registry],
    })
    return { observe: (values, seconds) => histogram.observe(values, seconds) }
  }

  /** Durations in seconds with the quantiles that cert-manager serves, over the last ten minutes. */
  summary<L extends string>(name: string, help: string, labels: readonly L[]): TimeOf<L> {
    this.#describe(name, 'summary', help, labels)
    const summary = new Summary({
      name,
      help,
      labelNames: labels,
      percentiles: [0.5, 0.9, 0.99],
      maxAgeSeconds: 600,
      ageBuckets: 5,
      registers: [this.#registry],
    })
    return { observe: (values, seconds) => summary.observe(values, seconds) }
  }

  #describe(name: string, type: string, help: string, labels: readonly string[]): void {
    this.#descriptions.push({ name, type, help, labels })
  }
}

/** A gauge that keeps nothing: its series are those of its family at the time of the scrape. */
class LiveGauge extends Gauge {
  readonly #family: MetricFamily

  constructor(family: MetricFamily, registry: Registry) {
    super({ name: family.name, help: family.help, labelNames: [...family.labels], registers: [registry] })
    this.#family = family
  }

  override async get(): Promise<MetricObjectWithValues<MetricValue<string>>> {
    return { ...(await super.get()), values: valuesOf(this.#family) }
  }
}

class LiveCounter extends Counter {
  readonly #family: MetricFamily

  constructor(family: MetricFamily, registry: Registry) {
    super({ name: family.name, help: family.help, labelNames: [...family.labels], registers: [registry] })
    this.#family = family
  }

  override async get(): Promise<MetricObjectWithValues<MetricValue<string>>> {
    return { ...(await super.get()), values: valuesOf(this.#family) }
  }
}

function valuesOf(family: MetricFamily): MetricValue<string>[] {
  const values: MetricValue<string>[] = []
  for (const sample of family.collect())
    values.push({ value: sample.value, labels: labelsOf(family, sample) })
  return values
}

function labelsOf({ labels }: MetricFamily, sample: Sample): Record<string, string> {
  const named: Record<string, string> = {}
  labels.forEach((label, at) => (named[label] = sample.labels[at] ?? ''))
  return named
}
