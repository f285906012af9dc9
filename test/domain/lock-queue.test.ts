import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  acquire,
  emptyQueue,
  isIdle,
  release,
  seed,
  type LockChange,
  type LockQueue,
  type LockRequest,
} from '../../workflows/domain/lock-queue.ts'
import { formatTime } from '../../workflows/domain/time-text.ts'

const minute = (count: number) => formatTime(Date.UTC(2026, 0, 1) + count * 60_000)

const who = (id: string) => ({
  requestId: id,
  workflowId: `certificate/${id}`,
  challenge: { namespace: 'default', name: id, uid: id },
  taskQueue: 'certloom-locks',
})

const asking = (id: string, at: number, changes: Partial<LockRequest> = {}): LockRequest => ({
  ...who(id),
  at: minute(at),
  holding: false,
  ...changes,
})

const suspect = (id: string, since: number) => ({ ...who(id), since: minute(since) })

const order = ({ holder, waiting }: LockQueue) => [holder, ...waiting].map((entry) => entry?.requestId)
const after = (...steps: ((queue: LockQueue) => LockChange)[]) =>
  steps.reduce((queue, step) => step(queue).queue, emptyQueue())

test('a free lock is granted at once', () => {
  const { answer, granted, queue } = acquire(emptyQueue(), asking('a', 1))
  assert.equal(answer, 'granted')
  assert.equal(granted?.requestId, 'a')
  assert.equal(queue.holder?.since, minute(1))
})

test('others wait in the order in which they ask, whatever their clocks say', () => {
  const queue = after(
    (now) => acquire(now, asking('a', 1)),
    (now) => acquire(now, asking('b', 9)),
    (now) => acquire(now, asking('c', 5)),
  )
  assert.deepEqual(order(queue), ['a', 'b', 'c'])
  const { answer } = acquire(queue, asking('c', 6))
  assert.ok(answer !== 'granted')
  assert.deepEqual([answer.position, answer.holder.workflowId], [2, 'certificate/a'])
})

test('a release serves the next and says who that is', () => {
  const queue = after(
    (now) => acquire(now, asking('a', 1)),
    (now) => acquire(now, asking('b', 2)),
  )
  const change = release(queue, 'a', minute(7))
  assert.deepEqual(change.granted, change.queue.holder)
  assert.deepEqual([change.granted?.requestId, change.granted?.since], ['b', minute(7)])
  assert.ok(isIdle(release(change.queue, 'b', minute(8)).queue))
})

test('one who waits may leave', () => {
  const queue = after(
    (now) => acquire(now, asking('a', 1)),
    (now) => acquire(now, asking('b', 2)),
    (now) => release(now, 'b', minute(3)),
  )
  assert.deepEqual(order(queue), ['a'])
})

test('releasing twice or what nobody knows changes nothing', () => {
  const queue = after((now) => acquire(now, asking('a', 1)))
  assert.deepEqual(release(queue, 'x', minute(2)), { queue })
  const released = release(queue, 'a', minute(2)).queue
  assert.deepEqual(release(released, 'a', minute(3)), { queue: released })
})

test('asking again changes nothing for who has the lock', () => {
  const queue = after((now) => acquire(now, asking('a', 1)))
  const again = acquire(queue, asking('a', 5))
  assert.deepEqual(again, { answer: 'granted', queue })
})

test('who asked last for a use of the lock is the one who is told and looked at', () => {
  const queue = after(
    (now) => acquire(now, asking('a', 1)),
    (now) => acquire(now, asking('b', 2)),
    (now) => acquire(now, asking('b', 3, { workflowId: 'clean-up/b' })),
  )
  assert.deepEqual(order(queue), ['a', 'b'])
  assert.equal(release(queue, 'a', minute(4)).granted?.workflowId, 'clean-up/b')
})

test('suspects come before everybody else, the earliest claim first, and are told nothing', () => {
  const change = seed(emptyQueue(), [suspect('late', 20), suspect('early', 10)])
  assert.equal(change.granted, undefined)
  const { answer, queue } = acquire(change.queue, asking('ordinary', 30))
  assert.deepEqual(order(queue), ['early', 'late', 'ordinary'])
  assert.ok(answer !== 'granted' && answer.position === 2)
})

test('a suspect that says that it holds nothing goes behind the other suspects', () => {
  const seeded = after(
    (now) => seed(now, [suspect('early', 10), suspect('late', 20)]),
    (now) => acquire(now, asking('ordinary', 30)),
  )
  const cleared = acquire(seeded, asking('early', 31))
  assert.ok(cleared.answer !== 'granted')
  assert.deepEqual(order(cleared.queue), ['late', 'early', 'ordinary'])
  assert.deepEqual(acquire(cleared.queue, asking('early', 31)).queue, cleared.queue)

  const both = acquire(cleared.queue, asking('late', 32))
  assert.deepEqual(order(both.queue), ['early', 'late', 'ordinary'])
  assert.equal(both.granted?.requestId, 'early')
})

test('the only suspect that holds nothing is granted the lock', () => {
  const seeded = seed(emptyQueue(), [suspect('a', 10)]).queue
  const change = acquire(seeded, asking('a', 31))
  assert.equal(change.answer, 'granted')
  assert.deepEqual([change.granted?.requestId, change.granted?.since], ['a', minute(31)])
})

test('a suspect that says that it holds is believed, before one that has said nothing', () => {
  const seeded = seed(emptyQueue(), [suspect('early', 10), suspect('late', 20)]).queue
  const change = acquire(seeded, asking('late', 31, { holding: true }))
  assert.equal(change.answer, 'granted')
  assert.deepEqual(order(change.queue), ['late', 'early'])
  assert.equal(change.granted?.since, minute(20))
})

test('nobody takes the lock from a holder that was granted it, not even who says that he holds', () => {
  const queue = after((now) => acquire(now, asking('a', 1)))
  const change = acquire(queue, asking('b', 2, { holding: true }))
  assert.deepEqual(order(change.queue), ['a', 'b'])
  const seeded = seed(queue, [suspect('c', 0)])
  assert.deepEqual(order(seeded.queue), ['a', 'c'])
})

test('who holds without having been seeded comes before who only waits', () => {
  const queue = after(
    (now) => acquire(now, asking('a', 1)),
    (now) => acquire(now, asking('b', 2)),
    (now) => acquire(now, asking('c', 3, { holding: true })),
  )
  assert.deepEqual(order(queue), ['a', 'c', 'b'])
})

test('a suspect that has asked already comes before who only waits', () => {
  const queue = after(
    (now) => acquire(now, asking('a', 1)),
    (now) => acquire(now, asking('b', 2)),
    (now) => acquire(now, asking('c', 3)),
    (now) => seed(now, [suspect('c', 0)]),
  )
  assert.deepEqual(order(queue), ['a', 'c', 'b'])
})

test('seeding twice changes nothing', () => {
  const once = seed(emptyQueue(), [suspect('a', 1), suspect('b', 2)]).queue
  assert.deepEqual(seed(once, [suspect('b', 2), suspect('a', 1)]).queue, once)
})

test('a silent suspect that was found gone gives way to the next', () => {
  const queue = after(
    (now) => seed(now, [suspect('gone', 0)]),
    (now) => acquire(now, asking('a', 1)),
  )
  assert.equal(release(queue, 'gone', minute(10)).granted?.requestId, 'a')
})

const ids = ['a', 'b', 'c', 'd', 'e']
type Act = { kind: 'acquire' | 'release'; id: string; holding: boolean }
const act = fc.record<Act>({
  kind: fc.constantFrom('acquire', 'release'),
  id: fc.constantFrom(...ids),
  holding: fc.boolean(),
})

function apply(queue: LockQueue, { kind, id, holding }: Act, time: number): LockChange {
  return kind === 'acquire' ? acquire(queue, asking(id, time, { holding })) : release(queue, id, minute(time))
}

const suspects = fc
  .uniqueArray(fc.constantFrom(...ids))
  .map((list) => list.map((id, index) => suspect(id, -index)))

test('there are never two holders, nobody is lost or doubled, and a lock with waiters has a holder', () => {
  fc.assert(
    fc.property(suspects, fc.array(act, { maxLength: 40 }), (seeds, acts) => {
      let { queue } = seed(emptyQueue(), seeds)
      const inside = new Set(seeds.map(({ requestId }) => requestId))
      for (const [time, one] of acts.entries()) {
        const before = queue
        const change = apply(queue, one, time)
        queue = change.queue
        if (one.kind === 'acquire') inside.add(one.id)
        else inside.delete(one.id)

        assert.deepEqual(
          order(queue)
            .filter((id) => id !== undefined)
            .sort(),
          [...inside].sort(),
        )
        assert.ok(queue.holder !== undefined || queue.waiting.length === 0)
        assert.ok(queue.waiting.every(({ standing }) => standing !== 'granted'))
        if (change.granted !== undefined) assert.equal(change.granted, queue.holder)
        // The lock changes hands only when its holder leaves; a suspect that was told nothing may be passed over.
        const kept = before.holder?.standing === 'granted' && one.kind === 'acquire'
        if (kept) assert.equal(queue.holder?.requestId, before.holder?.requestId)
      }
    }),
    { numRuns: 300 },
  )
})

test('every act is idempotent', () => {
  fc.assert(
    fc.property(suspects, fc.array(act, { maxLength: 20 }), act, (seeds, acts, last) => {
      let { queue } = seed(emptyQueue(), seeds)
      for (const [time, one] of acts.entries()) queue = apply(queue, one, time).queue
      const once = apply(queue, last, acts.length).queue
      const again = apply(once, last, acts.length)
      assert.deepEqual(again.queue, once)
      assert.equal(again.granted, undefined)
    }),
    { numRuns: 300 },
  )
})

test('who only waits is served first come first served', () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(ids, { minLength: 1 }),
      fc.array(fc.integer({ min: 0, max: 9 })),
      (arrivals, clocks) => {
        let queue = emptyQueue()
        for (const [index, id] of arrivals.entries())
          queue = acquire(queue, asking(id, clocks[index] ?? 0)).queue
        const served: (string | undefined)[] = []
        while (!isIdle(queue)) {
          served.push(queue.holder?.requestId)
          queue = release(queue, queue.holder?.requestId ?? '', minute(10)).queue
        }
        assert.deepEqual(served, arrivals)
      },
    ),
  )
})

test('everybody who asked is granted the lock when holders release', () => {
  fc.assert(
    fc.property(suspects, fc.array(act, { maxLength: 30 }), (seeds, acts) => {
      let { queue } = seed(emptyQueue(), seeds)
      for (const [time, one] of acts.entries()) queue = apply(queue, one, time).queue
      const asked = new Set(order(queue).filter((id) => id !== undefined))
      const served = new Set<string>()
      while (queue.holder !== undefined) {
        served.add(queue.holder.requestId)
        queue = release(queue, queue.holder.requestId, minute(1000)).queue
      }
      assert.deepEqual(served, asked)
      assert.ok(isIdle(queue))
    }),
  )
})

test('the queue is plain data that survives continue-as-new', () => {
  fc.assert(
    fc.property(suspects, fc.array(act, { maxLength: 20 }), act, (seeds, acts, last) => {
      let { queue } = seed(emptyQueue(), seeds)
      for (const [time, one] of acts.entries()) queue = apply(queue, one, time).queue
      const copy = JSON.parse(JSON.stringify(queue)) as LockQueue
      assert.deepEqual(copy, queue)
      assert.deepEqual(apply(copy, last, 50), apply(queue, last, 50))
    }),
  )
})
