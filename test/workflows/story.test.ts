import assert from 'node:assert/strict'
import { challenge, failure, inWorld, startCertificate, type Fakes } from './support.ts'
import { storyOf } from './support/story.ts'

const test = inWorld()

function order(_cluster: Fakes['cluster'], namespace: string): Partial<Fakes['cluster']> {
  return { flow: 'order', groups: [[challenge('example.com', { namespace, uid: 'uid-example.com' })]] }
}

/** What differs from run to run. */
function plain(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
}

test('the story of an ACME issuance', async (world) => {
  await using subject = await startCertificate(world, undefined, order)
  await subject.issued(1)
  assert.equal(
    plain(storyOf(await subject.events())),
    `prepare: revision 1: key and request, because DoesNotExist
createOrder: web-1: order at the CA
presentChallenge: _acme-challenge.example.com. TXT via exec fixture-dns
checkPropagation: _acme-challenge.example.com. on every name server
answerChallenge: example.com: the CA validates the answer
cleanUpChallenge: example.com TXT removed via exec fixture-dns
finalizeAndPublish: web-1: certificate from the CA into its Secret
timer: renew at <time>`,
  )
})

test('the story of an issuance that a missing plugin blocks', async (world) => {
  let missing = true
  await using subject = await startCertificate(
    world,
    (defaults) => ({
      async presentChallenge(input) {
        if (missing) throw failure('PluginMissing', 'the plugin googledns is not there')
        return defaults.presentChallenge(input)
      },
    }),
    order,
  )
  await subject.phase('Blocked')
  missing = false
  await subject.handle.signal('changed', { v: 1 })
  await subject.issued(1)
  assert.equal(
    plain(storyOf(await subject.events())),
    `prepare: revision 1: key and request, because DoesNotExist
createOrder: web-1: order at the CA
presentChallenge: _acme-challenge.example.com. TXT via exec fixture-dns
timer: _acme-challenge.example.com. TXT via exec fixture-dns: waiting, PluginMissing
presentChallenge: _acme-challenge.example.com. TXT via exec fixture-dns
checkPropagation: _acme-challenge.example.com. on every name server
answerChallenge: example.com: the CA validates the answer
cleanUpChallenge: example.com TXT removed via exec fixture-dns
finalizeAndPublish: web-1: certificate from the CA into its Secret
timer: renew at <time>`,
  )
})

test('the story of an issuance that the CA refuses', async (world) => {
  await using subject = await startCertificate(
    world,
    () => ({
      async answerChallenge() {
        throw failure('AuthorizationInvalid', 'the TXT record is wrong')
      },
    }),
    order,
  )
  await subject.phase('BackingOff', { failures: 1 })
  assert.equal(
    plain(storyOf(await subject.events())),
    `prepare: revision 1: key and request, because DoesNotExist
createOrder: web-1: order at the CA
presentChallenge: _acme-challenge.example.com. TXT via exec fixture-dns
checkPropagation: _acme-challenge.example.com. on every name server
answerChallenge: example.com: the CA validates the answer
cleanUpChallenge: example.com TXT removed via exec fixture-dns
abandonOrder: web-1: give the order up
failAttempt: attempt 1 failed: AuthorizationInvalid
timer: try again at <time>`,
  )
})

test('the story of an external issuer that signs late', async (world) => {
  let signed = false
  await using subject = await startCertificate(
    world,
    (defaults) => ({
      async publish(input) {
        if (!signed) throw failure('WaitingForExternalIssuer', 'shop/web-1 is not signed yet')
        return defaults.publish(input)
      },
    }),
    () => ({ flow: 'external' }),
  )
  await subject.phase('Blocked')
  signed = true
  await subject.handle.signal('changed', { v: 1 })
  await subject.issued(1)
  assert.equal(
    plain(storyOf(await subject.events())),
    `prepare: revision 1: key and request, because DoesNotExist
publish: web-1: certificate into its Secret
timer: certificate for web-1: waiting, WaitingForExternalIssuer
publish: web-1: certificate into its Secret
timer: renew at <time>`,
  )
})
