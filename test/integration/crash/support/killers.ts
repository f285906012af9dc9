import { settled } from './settled.ts'
import type { Stage } from './stage.ts'

export interface Killer {
  /** What it does, for the table of a run. */
  readonly does: string
  /** Called when every cell is held; lets them go (`stage.release`) at the moment that is its own. */
  strike(stage: Stage): Promise<void>
}

export const killers = {
  'worker-kill': {
    does: 'SIGKILL of the worker, and another one',
    async strike(stage) {
      stage.worker.kill()
      await stage.worker.ended()
      stage.release()
      await stage.cleanWorker()
    },
  },
  zombie: {
    does: 'SIGSTOP of the worker until another one has finished all, then SIGCONT',
    async strike(stage) {
      const zombie = stage.worker
      zombie.kill('SIGSTOP')
      await stage.cleanWorker()
      // No step is under way any more: each of the frozen ones was taken for lost and done by the other worker.
      await settled(stage)
      stage.release()
      zombie.kill('SIGCONT')
      try {
        await stage.passed()
      } finally {
        // In order: what it has begun is finished, so that its late effects do happen.
        await zombie.stop()
      }
    },
  },
  'temporal-kill': {
    does: 'kill -9 of Temporal while the effects go on, and its restart on its file',
    strike: (stage) => whileDown(stage, 'temporal'),
  },
  'api-kill': {
    does: 'kill -9 of the API server while the effects go on, and its restart',
    strike: (stage) => whileDown(stage, 'kube-apiserver'),
  },
  'pebble-lost': {
    does: 'Pebble killed while the effects go on, and its restart without its state',
    async strike(stage) {
      await whileDown(stage, 'pebble')
      await stage.noteRoot()
    },
  },
  deleted: {
    does: 'the Certificate deleted while the effect goes on',
    async strike(stage) {
      await stage.eachCertificate((name) => stage.world.remove('Certificate', stage.namespace, name))
      stage.release()
      await stage.passed()
    },
  },
  edited: {
    does: 'other names wished while the effect goes on',
    async strike(stage) {
      await stage.eachCertificate((name) => stage.edit(name))
      stage.release()
      await stage.passed()
    },
  },
} as const satisfies Record<string, Killer>

export type KillerName = keyof typeof killers

async function whileDown(stage: Stage, name: 'temporal' | 'kube-apiserver' | 'pebble'): Promise<void> {
  const server = stage.world.servers.process(name)
  await server.kill()
  try {
    stage.release()
    await stage.passed()
  } finally {
    await server.start()
  }
  if (name === 'kube-apiserver') await stage.watches.resume()
}
