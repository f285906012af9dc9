import assert from 'node:assert/strict'
import { test } from 'node:test'
import { violations, type LogLine } from './support/plugin-log.ts'

/** `+a` and `-a`: CREATE and DELETE of value a start; `+a.` and `-a.`: they end well; `-a!`: it fails. */
function log(story: string): LogLine[] {
  return story.split(' ').map((word, at) => {
    const [sign, value = '', end] = word
    const phase = end === undefined ? ('start' as const) : ('end' as const)
    const command = sign === '+' ? ('CREATE' as const) : ('DELETE' as const)
    const exitCode = end === '.' ? 0 : 1
    const common = { at: String(at), time: `t${at}`, pid: 1, fqdn: 'name.', command, value }
    return phase === 'end' ? { ...common, phase, exitCode } : { ...common, phase }
  })
}

test('one value after the other is as it should be, and so is a CREATE that was cut off and made anew', () => {
  assert.deepEqual(violations(log('+a +a. -a -a. +b +b. -b -b.')), [])
  assert.deepEqual(violations(log('+a -a -a. +a +a. -a -a.')), [])
  assert.deepEqual(violations(log('+a +a. -a -a! -a -a. +b +b. -b -b.')), [])
})

test('a call with another value between CREATE and DELETE is found', () => {
  assert.equal(violations(log('+a +a. +b +b. -a -a. -b -b.')).length > 0, true)
  assert.equal(violations(log('+a +a. -b -b. -a -a.')).length, 1)
  assert.equal(violations(log('+a +a. -a -a! +b +b. -b -b.')).length > 0, true)
})

test('a call that still runs when one with another value starts is found', () => {
  assert.equal(violations(log('+a +a. -a -a. -a +b -a. +b. -b -b.')).length, 1)
})

test('a value that is never deleted is found', () => {
  assert.equal(violations(log('+a +a.')).length, 1)
})
