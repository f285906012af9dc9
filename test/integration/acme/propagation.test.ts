import { after, afterEach, before, test } from 'node:test'
import assert from 'node:assert/strict'
import type { StatusAnswer } from '../../../workflows/messages.ts'
import { World } from '../support/world.ts'
import {
  challenges,
  clusterIssuer,
  dnsFixture,
  dnsLog,
  openSite,
  type AcmeSite,
} from './support/acme-world.ts'

type Mode = 'answer' | 'refuse' | 'servfail' | 'drop' | 'hold'

/** A server that gives no answer is passed over when it has been silent for this long, in milliseconds. */
const SILENT_MS = 2_000
/** The first window of looking, in seconds, and time to write down what it found. */
const FIRST_WINDOW = 30
/** Questions to one server in a window of 20 s: at first ten a second, then ever fewer. */
const MOST_QUESTIONS = 60

let world: World
before(async () => {
  world = await World.open()
  await world.startController()
})
afterEach(async () => {
  for (const server of [1, 2] as const) await setServer(server, { mode: 'answer', lagMs: 0 })
})
after(() => world.close())

function setServer(server: 1 | 2, setting: { mode?: Mode; lagMs?: number }): Promise<unknown> {
  return dnsFixture(world, 'POST', `/servers/${server}`, setting)
}

async function withSite(name: string, run: (site: AcmeSite) => Promise<void>): Promise<void> {
  const site = await openSite(world, name)
  try {
    await run(site)
  } finally {
    await site.proxy.close()
  }
}

/** What the authoritative servers were asked about the challenge record of a domain, in order. */
async function questions(domain: string) {
  const log = await dnsLog(world)
  return log.flatMap((entry) => {
    const asked = entry.kind === 'query' && entry.server !== 'resolver' && entry.type === 'TXT'
    if (!asked || entry.name !== `_acme-challenge.${domain}.`) return []
    return [
      { at: Date.parse(entry.time), server: entry.server, result: entry.result, answers: entry.answers },
    ]
  })
}

async function firstAnswer({ proxy }: AcmeSite): Promise<number> {
  const [first] = proxy.to('chalZ')
  assert.ok(first, 'the challenge was answered')
  return Promise.resolve(first.at)
}

test('no challenge is answered before the server that lags behind shows the value', async () => {
  await withSite('lag', async (site) => {
    const { namespace, plugin, name, domain } = site
    await setServer(2, { lagMs: 1_500 })
    await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
    await world.ready(namespace, 'web')

    const [created] = await plugin.calls()
    const answered = await firstAnswer(site)
    const late = (await questions(domain)).filter(({ server }) => server === 'auth2')
    const [first] = late
    const shown = late.find(({ answers }) => answers.includes(created?.token ?? ''))
    assert.deepEqual(first?.answers, [], 'the first question met the server before it showed the value')
    assert.ok(
      shown !== undefined && shown.at <= answered,
      'the server showed the value before the challenge was answered',
    )
    assert.ok(shown.at - Date.parse(created?.at ?? '') >= 1_500)
  })
})

for (const mode of ['refuse', 'servfail', 'drop'] as const) {
  test(`a server in mode ${mode} is passed over after ${SILENT_MS / 1000} s when the other one shows the value`, async () => {
    await withSite(mode, async (site) => {
      const { namespace, plugin, name, domain } = site
      await setServer(2, { mode })
      await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
      await world.ready(namespace, 'web')

      const [created] = await plugin.calls()
      const answered = await firstAnswer(site)
      const asked = await questions(domain)
      const shown = asked.find(
        ({ server, answers }) => server === 'auth1' && answers.includes(created?.token ?? ''),
      )
      const tried = asked.filter(({ server, at }) => server === 'auth2' && at < answered)
      assert.ok(shown !== undefined && shown.at <= answered)
      assert.ok(tried.length >= 3, `${tried.length} questions to the silent server`)
      assert.ok(answered - (tried[0]?.at ?? answered) >= SILENT_MS - 100)
    })
  })
}

test('what keeps the record from showing stands in the Challenge and in the workflow, and no server is asked in a hurry', async () => {
  await withSite('finding', async (site) => {
    const { namespace, plugin, name, domain, proxy } = site
    await setServer(1, { mode: 'hold' })
    await setServer(2, { mode: 'refuse' })
    await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
    const told = await world.until('the finding in the Challenge', FIRST_WINDOW, async () => {
      const [challenge] = await challenges(world, namespace)
      const { reason = '' } = challenge?.status ?? {}
      return reason.includes('ns1.example.com') && reason
    })
    assert.match(
      told,
      /^Waiting for DNS-01 challenge propagation: ns1\.example\.com \(127\.0\.0\.2.*\) .*; ns2\.example\.com \(127\.0\.0\.3.*REFUSED/,
    )
    const finding = told.replace('Waiting for DNS-01 challenge propagation: ', '')

    const workflow = world.temporal.workflow.getHandle(`certificate/${namespace}/web`)
    await world.until('the finding in the workflow', 20, async () =>
      (await workflow.query<StatusAnswer>('status')).finding.includes(finding),
    )
    const { currentDetails } = await workflow.query<{ currentDetails: string }>(
      '__temporal_workflow_metadata',
    )
    assert.ok(currentDetails.includes('ns1.example.com'), currentDetails)
    assert.deepEqual(proxy.to('chalZ'), [])
    for (const server of ['auth1', 'auth2']) {
      const count = (await questions(domain)).filter((one) => one.server === server).length
      assert.ok(count <= MOST_QUESTIONS, `${count} questions to ${server}`)
    }

    await setServer(1, { mode: 'answer' })
    await setServer(2, { mode: 'answer' })
    await world.ready(namespace, 'web')
    const [created] = await plugin.calls()
    const answered = await firstAnswer(site)
    for (const server of ['auth1', 'auth2']) {
      const shown = (await questions(domain)).find(
        (one) => one.server === server && one.answers.includes(created?.token ?? ''),
      )
      assert.ok(shown !== undefined && shown.at <= answered)
    }
  })
})
