/** One series of a metric: its labels, in the order of {@link MetricFamily.labels}, and its value now. */
export interface Sample {
  labels: readonly string[]
  value: number
}

/**
 * A metric whose series are worked out when somebody asks: what is not there any more has no series, and nothing is
 * kept between two scrapes.
 */
export interface MetricFamily {
  /** As Prometheus writes it, with the unit at its end. */
  name: string
  help: string
  type: 'gauge' | 'counter'
  labels: readonly string[]
  collect(): Iterable<Sample>
}

/** A metric without labels. */
export function single(
  name: string,
  help: string,
  value: () => number | undefined,
  type: MetricFamily['type'] = 'gauge',
): MetricFamily {
  return {
    name,
    help,
    type,
    labels: [],
    *collect() {
      const now = value()
      if (now !== undefined) yield { labels: [], value: now }
    },
  }
}
