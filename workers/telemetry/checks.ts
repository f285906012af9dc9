/** One question about the process, asked when somebody looks at /readyz or /healthz. */
export interface Check {
  name: string
  /** Whether its failure makes the whole answer fail; otherwise it is only shown. Default true. */
  required?: () => boolean
  /** Undefined where all is well, otherwise what is wrong. */
  run(): Promise<string | undefined> | string | undefined
}

export interface CheckResult {
  name: string
  reason: string | undefined
  required: boolean
}

/** How long one check may take, in milliseconds: a check that hangs is a failed one. */
const LIMIT_MS = 4_000

export function isRequired(check: Check): boolean {
  return check.required?.() ?? true
}

export async function runChecks(checks: readonly Check[]): Promise<CheckResult[]> {
  return Promise.all(
    checks.map(async (check) => {
      const { name } = check
      const required = isRequired(check)
      let timer: NodeJS.Timeout | undefined
      const limit = new Promise<string>((resolve) => {
        timer = setTimeout(() => resolve(`no answer within ${LIMIT_MS / 1000} s`), LIMIT_MS)
      })
      try {
        const reason = await Promise.race([Promise.resolve().then(() => check.run()), limit])
        return { name, reason, required }
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        return { name, reason, required }
      } finally {
        clearTimeout(timer)
      }
    }),
  )
}

export function passed(results: readonly CheckResult[]): boolean {
  return results.every(({ reason, required }) => reason === undefined || !required)
}

/** A check that asks a server: its answer is used again for a while, so that probes of several kinds ask once. */
export function remembered(check: Check, forMs: number, now: () => number = () => performance.now()): Check {
  let last: { at: number; answer: Promise<string | undefined> } | undefined
  return {
    ...check,
    run() {
      if (last === undefined || now() - last.at >= forMs)
        last = { at: now(), answer: Promise.resolve().then(() => check.run()) }
      return last.answer
    },
  }
}
