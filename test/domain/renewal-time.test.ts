import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCron } from '../../workflows/domain/cron.ts'
import { renewalTime, type RenewalInput } from '../../workflows/domain/renewal-time.ts'
import type { RenewalWindow } from '../../workflows/domain/renewal-windows.ts'
import { formatTime } from '../../workflows/domain/time-text.ts'
import { wallClock } from '../../workflows/domain/wall-clock.ts'

const start = Date.UTC(2026, 0, 1)
const hour = 3_600_000

const settings: [
  name: string,
  lifetimeHours: number,
  desired: RenewalInput['desired'],
  afterHours: number,
][] = [
  ['without settings at two thirds of the lifetime', 3, {}, 2],
  ['renewBefore counts from the end', 24, { renewBefore: '20h' }, 4],
  ['a renewBefore as long as the lifetime falls back to a third', 24, { renewBefore: '24h' }, 16],
  ['a renewBefore of 0 falls back to a third', 24, { renewBefore: '0s' }, 16],
  ['a broken renewBefore falls back to a third', 24, { renewBefore: 'soon' }, 16],
  ['30 percent of the lifetime are left', 730, { renewBeforePercentage: 30 }, 511],
  ['100 percent fall back to a third', 24, { renewBeforePercentage: 100 }, 16],
  ['0 percent fall back to a third', 24, { renewBeforePercentage: 0 }, 16],
  ['renewBefore wins over the percentage', 24, { renewBefore: '1h', renewBeforePercentage: 50 }, 23],
  [
    'a renewBefore that does not fit leaves the percentage',
    24,
    { renewBefore: '48h', renewBeforePercentage: 50 },
    12,
  ],
]
for (const [name, lifetime, desired, after] of settings) {
  test(`renewal: ${name}`, () => {
    const notAfter = formatTime(start + lifetime * hour)
    const time = formatTime(start + after * hour)
    assert.deepEqual(renewalTime({ notBefore: formatTime(start), notAfter, desired }), { time })
  })
}

test('a third that is no whole second is cut down to one', () => {
  const input = { notBefore: formatTime(start), notAfter: formatTime(start + 100_000), desired: {} }
  assert.deepEqual(renewalTime(input), { time: formatTime(start + 66_000) })
})

test('a suggested time replaces the rules unless it belongs to an earlier certificate', () => {
  const input = {
    notBefore: formatTime(start),
    notAfter: formatTime(start + 90 * hour),
    desired: { renewBefore: '1h' },
  }
  const suggested = formatTime(start + 5 * hour)
  assert.deepEqual(renewalTime({ ...input, suggested }), { time: suggested })
  assert.deepEqual(renewalTime({ ...input, suggested: formatTime(start) }), {
    time: formatTime(start + 89 * hour),
  })
})

test('a certificate is renewed inside its lifetime whatever the settings', () => {
  const settingsOf = fc.record(
    {
      renewBefore: fc.integer({ min: -5, max: 4000 }).map((hours) => `${hours}h`),
      renewBeforePercentage: fc.integer({ min: -5, max: 105 }),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(settingsOf, fc.integer({ min: 60, max: 100_000_000 }), (desired, seconds) => {
      const input = { notBefore: formatTime(start), notAfter: formatTime(start + seconds * 1000), desired }
      const { time = '' } = renewalTime(input)
      assert.ok(time >= input.notBefore && time < input.notAfter)
    }),
  )
})

interface WindowCase {
  windows: RenewalWindow[]
  notBefore?: string
  notAfter: string
  wanted: string
  time: string
  error?: RegExp
}

const nightly = { cron: '0 10 * * *', windowDuration: '2h' }

const windowCases: Record<string, WindowCase> = {
  'a wanted time inside a window is kept': {
    windows: [nightly],
    notAfter: '2026-03-08T00:00:00Z',
    wanted: '2026-03-06T10:30:00Z',
    time: '2026-03-06T10:30:00Z',
  },
  'the very end of a window belongs to it': {
    windows: [nightly],
    notAfter: '2026-03-08T00:00:00Z',
    wanted: '2026-03-06T12:00:00Z',
    time: '2026-03-06T12:00:00Z',
  },
  'a wanted time after a window waits for the next one': {
    windows: [nightly],
    notAfter: '2026-03-08T00:00:00Z',
    wanted: '2026-03-06T13:00:00Z',
    time: '2026-03-07T10:00:00Z',
  },
  'the earliest of several windows is taken': {
    windows: [
      { cron: '0 23 * * 1-5', windowDuration: '2h' },
      { cron: '0 10 * * 6,0', windowDuration: '4h' },
    ],
    notAfter: '2026-03-08T00:00:00Z',
    wanted: '2026-03-07T06:00:00Z', // Saturday
    time: '2026-03-07T10:00:00Z',
  },
  'a window from the evening before reaches over midnight': {
    windows: [{ cron: '0 23 * * *', windowDuration: '3h' }],
    notAfter: '2026-03-08T00:00:00Z',
    wanted: '2026-03-06T01:30:00Z',
    time: '2026-03-06T01:30:00Z',
  },
  'windows are in their own time zone': {
    windows: [{ ...nightly, timezone: 'America/Phoenix' }],
    notAfter: '2026-03-08T00:00:00Z',
    wanted: '2026-03-06T12:00:00Z',
    time: '2026-03-06T17:00:00Z',
  },
  'the clock is followed when summer time ends': {
    windows: [{ ...nightly, timezone: 'America/Denver' }],
    notAfter: '2026-11-03T00:00:00Z',
    wanted: '2026-10-31T21:30:00Z',
    time: '2026-11-01T17:00:00Z', // 10:00 in winter time
  },
  'a start that the clock skips does not happen': {
    windows: [{ cron: '30 2 * * *', windowDuration: '10m', timezone: 'Europe/Berlin' }],
    notAfter: '2026-04-10T00:00:00Z',
    wanted: '2026-03-28T12:00:00Z', // 02:30 on the 29th does not exist
    time: '2026-03-30T00:30:00Z',
  },
  'a start that the clock shows twice happens first in summer time': {
    windows: [{ cron: '30 2 * * *', windowDuration: '10m', timezone: 'Europe/Berlin' }],
    notAfter: '2026-11-10T00:00:00Z',
    wanted: '2026-10-24T12:00:00Z',
    time: '2026-10-25T00:30:00Z',
  },
  'a start that the clock shows twice happens again in winter time': {
    windows: [{ cron: '30 2 * * *', windowDuration: '10m', timezone: 'Europe/Berlin' }],
    notAfter: '2026-11-10T00:00:00Z',
    wanted: '2026-10-25T00:45:00Z',
    time: '2026-10-25T01:30:00Z',
  },
  'a day zone far east of UTC is found': {
    windows: [{ cron: '0 0 7 3 *', windowDuration: '1h', timezone: 'Pacific/Kiritimati' }],
    notAfter: '2026-03-20T00:00:00Z',
    wanted: '2026-03-01T00:00:00Z',
    time: '2026-03-06T10:00:00Z',
  },
  'the clock of a zone far east is followed on the day on which it is set back': {
    windows: [{ cron: '30 0 5 4 *', windowDuration: '10m', timezone: 'Pacific/Auckland' }],
    notAfter: '2026-04-20T00:00:00Z',
    wanted: '2026-04-01T00:00:00Z',
    time: '2026-04-04T11:30:00Z', // still summer time
  },
  'a clock that is set back into yesterday starts the window of yesterday again': {
    windows: [{ cron: '30 23 6 11 *', windowDuration: '10m', timezone: 'America/St_Johns' }],
    notBefore: '2010-10-01T00:00:00Z',
    notAfter: '2010-12-01T00:00:00Z',
    wanted: '2010-11-07T02:30:30Z', // 00:00:30 on the 7th
    time: '2010-11-07T03:00:00Z',
  },
  'a window that opens at the very expiry is of no use': {
    windows: [nightly],
    notAfter: '2026-03-07T10:00:00Z',
    wanted: '2026-03-06T13:30:00Z',
    time: '2026-03-06T13:30:00Z',
    error: /cannot find a time/,
  },
  'a window after the expiry is of no use': {
    windows: [nightly],
    notAfter: '2026-03-07T09:00:00Z',
    wanted: '2026-03-06T13:30:00Z',
    time: '2026-03-06T13:30:00Z',
    error: /^cannot find a time with the given windows between .* for: 2026-03-06 13:30:00 \+0000 UTC$/,
  },
  'a broken cron is named': {
    windows: [{ cron: '61 * * * *', windowDuration: '1h' }],
    notAfter: '2026-03-08T00:00:00Z',
    wanted: '2026-03-06T13:30:00Z',
    time: '2026-03-06T13:30:00Z',
    error: /^cron has "61" as minute: use 0 to 59/,
  },
  'an unknown time zone is named': {
    windows: [{ ...nightly, timezone: 'Mars/Olympus' }],
    notAfter: '2026-03-08T00:00:00Z',
    wanted: '2026-03-06T13:30:00Z',
    time: '2026-03-06T13:30:00Z',
    error: /^timezone "Mars\/Olympus" is no IANA time zone/,
  },
  'a window without length is named': {
    windows: [{ cron: '0 10 * * *', windowDuration: '0s' }],
    notAfter: '2026-03-08T00:00:00Z',
    wanted: '2026-03-06T13:30:00Z',
    time: '2026-03-06T13:30:00Z',
    error: /^windowDuration must be greater than 0/,
  },
}
for (const [name, { windows, notBefore = '2026-01-01T00:00:00Z', ...rest }] of Object.entries(windowCases)) {
  test(`windows: ${name}`, () => {
    const desired = { renewal: { policy: 'RenewBefore' as const, windows } }
    const { notAfter, wanted, time, error } = rest
    const found = renewalTime({ notBefore, notAfter, desired, suggested: wanted })
    assert.equal(found.time, time)
    if (error === undefined) assert.equal(found.windowError, undefined)
    else assert.match(found.windowError ?? '', error)
  })
}

test('a time in a window stays where it is when it is computed again', () => {
  const cron = fc.constantFrom('0 10 * * *', '*/15 2-4 * * 1-5', '30 2 1,15 * *', '0 0 * * sun', '@daily')
  const timezone = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/Denver',
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
  )
  const length = fc.integer({ min: 1, max: 300 }).map((minutes) => `${minutes}m`)
  fc.assert(
    fc.property(
      cron,
      timezone,
      length,
      fc.integer({ min: 1, max: 80 * 86_400 }),
      (expression, zone, windowDuration, second) => {
        const window = { cron: expression, timezone: zone, windowDuration }
        const desired = { renewal: { policy: 'RenewBefore' as const, windows: [window] } }
        const span = { notBefore: '2026-02-01T00:00:00Z', notAfter: '2026-05-02T00:00:00Z', desired }
        const suggested = formatTime(Date.UTC(2026, 1, 1) + second * 1000)
        const first = renewalTime({ ...span, suggested })
        assert.ok(first.time !== undefined && first.time >= suggested && first.time < span.notAfter)
        if (first.windowError === undefined)
          assert.deepEqual(renewalTime({ ...span, suggested: first.time }), first)
      },
    ),
    { numRuns: 60 },
  )
})

test('a wall clock shows each of its instants at the wall time asked for', () => {
  const clock = wallClock('America/New_York')
  assert.ok(clock)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 60 * 24 * 365 }), (minute) => {
      const wall = Date.UTC(2026, 0, 1) + minute * 60_000
      for (const instant of clock.instants(wall)) assert.equal(clock.at(instant), wall)
    }),
  )
  assert.deepEqual(clock.instants(Date.UTC(2026, 2, 8, 2, 30)), [])
  assert.equal(clock.instants(Date.UTC(2026, 10, 1, 1, 30)).length, 2)
})

test('a clock that is set back at midnight shows the last hour of the day twice', () => {
  assert.deepEqual(wallClock('America/Nuuk')?.instants(Date.UTC(2026, 9, 24, 23, 30)), [
    Date.UTC(2026, 9, 25, 0, 30),
    Date.UTC(2026, 9, 25, 1, 30),
  ])
})

const crons: [text: string, wrong: RegExp][] = [
  ['', /has 0 fields instead of five/],
  ['* * * *', /has 4 fields/],
  ['* * * * * *', /has 6 fields/],
  ['@often', /unknown name "@often"/],
  ['@every 1h', /unknown name "@every 1h"/],
  ['* 24 * * *', /"24" as hour/],
  ['* * 0 * *', /"0" as day of month/],
  ['* * * 13 *', /"13" as month/],
  ['* * * * 7', /"7" as day of week: use 0 to 6/],
  ['5-1 * * * *', /"5-1" as minute/],
  ['*/0 * * * *', /"\*\/0" as minute/],
  ['1,, * * * *', /"" as minute/],
  ['a * * * *', /"a" as minute/],
  ['* * * foo *', /"foo" as month/],
]
for (const [text, wrong] of crons) {
  test(`cron "${text}" is refused with what is wrong`, () => {
    const parsed = parseCron(text)
    assert.ok('error' in parsed)
    assert.match(parsed.error, wrong)
  })
}

test('cron expressions know steps, ranges, lists and names', () => {
  const parsed = parseCron('5/20 1-3,22 1 JAN-mar ?')
  assert.ok(!('error' in parsed))
  assert.deepEqual(parsed.minutes, [5, 25, 45])
  assert.deepEqual(parsed.hours, [1, 2, 3, 22])
  assert.deepEqual([...parsed.months], [1, 2, 3])
  assert.equal(parsed.daysOfWeek.size, 7)
  assert.equal(parsed.bothDayFields, true)
})

const dayFields: [text: string, both: boolean][] = [
  ['0 0 13 * fri', false],
  ['0 0 */2 * fri', false],
  ['0 0 */1 * fri', true],
  ['0 0 13 * *', true],
]
for (const [text, both] of dayFields) {
  test(`the day fields of "${text}" are joined by ${both ? 'and' : 'or'}`, () => {
    const parsed = parseCron(text)
    assert.ok(!('error' in parsed))
    assert.equal(parsed.bothDayFields, both)
  })
}
