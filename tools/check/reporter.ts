import { writeSync } from 'node:fs'
import type { TestEvent as NodeTestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'
import { eventsDescriptor, type TestEvent } from './test-event.ts'

const longestError = 8000
/** Lines of a stack that lie in Node itself; they say nothing about the test. */
const nodeFrame = /\n\s+at [^\n]*?\(?node:internal\/[^\s)]+\)?/g

/**
 * A reporter for node:test that prints nothing and tells the runner every result on a descriptor of its own: what tests
 * print cannot be mistaken for a result, and what was written is there however the process ends.
 */
export default async function* (events: AsyncIterable<NodeTestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    const told = translate(event)
    if (told) writeSync(eventsDescriptor, JSON.stringify(told) + '\n')
  }
  yield ''
}

function translate({ type, data }: NodeTestEvent): TestEvent | undefined {
  switch (type) {
    case 'test:dequeue':
      return { event: 'begin', name: data.name, nesting: data.nesting }
    case 'test:start':
      return { event: 'about', name: data.name, nesting: data.nesting }
    case 'test:summary':
      return { event: 'end' }
    case 'test:pass':
      return leftOut(data) ?? { event: 'pass', ...common(data), own: false }
    case 'test:fail': {
      const { error } = data.details
      const own = (error as { failureType?: string }).failureType !== 'subtestsFailed'
      const text = inspect(error.cause ?? error)
        .replaceAll(nodeFrame, '')
        .slice(0, longestError)
      return leftOut(data) ?? { event: 'fail', ...common(data), own, text }
    }
    default:
      return undefined
  }
}

type Told = Extract<NodeTestEvent, { type: 'test:pass' | 'test:fail' }>['data']

function common({ name, nesting, details }: Told) {
  return { name, nesting, suite: details.type === 'suite', ms: details.duration_ms }
}

function leftOut(data: Told): TestEvent | undefined {
  const mark = data.skip ?? data.todo
  if (mark === undefined) return undefined
  const text = typeof mark === 'string' ? mark : data.skip === undefined ? 'todo' : 'skipped'
  return { event: 'skip', ...common(data), own: false, text }
}
