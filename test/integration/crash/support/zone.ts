import { dnsFixture, type AcmeSite } from '../../acme/support/acme-world.ts'
import type { World } from '../../support/world.ts'

/** Puts up what others have in the zone: beside, below and above the names of the cells. */
export async function foreignRecords(world: World, { domain }: AcmeSite): Promise<void> {
  for (const name of [`_acme-challenge.${domain}`, `foreign._acme-challenge.${domain}`, domain])
    await dnsFixture(world, 'POST', '/set-txt', { host: `${name}.`, value: 'of somebody else' })
}

/** Every record at and below the domain of a site, a line each. */
export async function zoneOf(world: World, { domain }: AcmeSite): Promise<string[]> {
  const { records } = await dnsFixture<{ records: { name: string }[] }>(world, 'GET', '/zone/example.com')
  return records
    .filter(({ name }) => name.endsWith(`${domain}.`))
    .map((record) => JSON.stringify(record))
    .sort()
}
