import type { World } from '../../support/world.ts'

/** Starts what a round that failed half-way left stopped. */
export async function bringBack(world: World): Promise<void> {
  for (const name of ['temporal', 'kube-apiserver', 'pebble'] as const) {
    const server = world.servers.process(name)
    if ((await server.status()).stopped) await server.start()
  }
}
