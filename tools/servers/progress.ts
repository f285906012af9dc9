import { styleText } from 'node:util'

/** One step of getting or starting a server; `begin` is followed by `done` or `failed` with the same `what`. */
export interface ProgressEvent {
  readonly state: 'begin' | 'done' | 'failed'
  /** What it is about, such as 'kube-apiserver 1.36.3'. */
  readonly what: string
  /** What happens to it, such as 'building (about 6 min the first time)'. */
  readonly doing: string
}

export type OnProgress = (event: ProgressEvent) => void

/** Announces a step around the work, whatever its outcome. */
export async function step<T>(
  report: OnProgress,
  what: string,
  doing: string,
  work: () => Promise<T>,
): Promise<T> {
  report({ state: 'begin', what, doing })
  try {
    const result = await work()
    report({ state: 'done', what, doing })
    return result
  } catch (error) {
    report({ state: 'failed', what, doing })
    throw error
  }
}

export interface ProgressDisplay {
  readonly onProgress: OnProgress
  /** Removes the moving line. */
  close(): void
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const reminderSeconds = 30

/**
 * Shows progress on standard error: on a terminal one moving line with everything under way and its seconds, elsewhere
 * a plain line when something longer begins, every 30 seconds, and when it ends.
 */
export function showProgress(stream: NodeJS.WriteStream = process.stderr): ProgressDisplay {
  const running = new Map<string, { doing: string; since: number; reminded: number }>()
  const moving = stream.isTTY
  let frame = 0
  const timer = setInterval(tick, moving ? 100 : 1000)
  timer.unref()

  function tick() {
    if (moving) draw()
    else for (const [what, entry] of running) remind(what, entry)
  }

  function remind(what: string, entry: { doing: string; since: number; reminded: number }) {
    const seconds = secondsSince(entry.since)
    if (seconds < entry.reminded + reminderSeconds) return
    entry.reminded = seconds
    stream.write(`${what}: still ${entry.doing}… ${seconds} s\n`)
  }

  function draw() {
    if (running.size === 0) return
    const all = [...running].map(([what, { doing, since }]) => `${what}: ${doing}… ${secondsSince(since)} s`)
    const width = Math.max(20, (stream.columns || 80) - 3)
    const text = all.join(' · ')
    const shown = text.length > width ? text.slice(0, width - 1) + '…' : text
    stream.write(`\r\u001b[K${styleText('cyan', frames[frame++ % frames.length] ?? '')} ${shown}`)
  }

  function onProgress({ state, what, doing }: ProgressEvent) {
    const known = running.get(what)
    if (state === 'begin') {
      running.set(what, { doing, since: Date.now(), reminded: 0 })
      if (moving) draw()
      else stream.write(`${what}: ${doing}…\n`)
      return
    }
    running.delete(what)
    const seconds = known ? ` (${((Date.now() - known.since) / 1000).toFixed(1)} s)` : ''
    if (moving) stream.write('\r\u001b[K')
    const mark = state === 'done' ? styleText('green', '✓', { stream }) : styleText('red', '✗', { stream })
    stream.write(`${mark} ${what}: ${doing}${state === 'done' ? '' : ' failed'}${seconds}\n`)
    if (moving) draw()
  }

  return {
    onProgress,
    close() {
      clearInterval(timer)
      if (moving && running.size > 0) stream.write('\r\u001b[K')
      running.clear()
    },
  }
}

function secondsSince(then: number): number {
  return Math.floor((Date.now() - then) / 1000)
}
