import { after, test } from 'node:test'
import { openWorld, startCertificate } from './support.ts'
const world = await openWorld()
after(() => world.close())
test('cancel', async () => {
  const subject = await startCertificate(world)
  await subject.issued(1)
  const first = await subject.run()
  await subject.handle.cancel()
  await subject.newRun(first).catch(console.log)
  for (const e of await subject.events(first)) console.log(e.eventId, e.eventType, JSON.stringify({...e, eventId: 0, eventTime: 0, taskId:0}).slice(0, 600))
})
