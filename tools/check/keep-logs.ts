import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Empties the folder of a test run but for the logs of its servers, which stay where messages say that they are: data
 * and keys are of no use to anybody. Returns the folder of the logs, or undefined when no server has written one.
 */
export async function keepLogs(folder: string, dataDir: string): Promise<string | undefined> {
  const logs = join(dataDir, 'logs')
  if ((await entries(logs)).length === 0) return undefined
  for (const [parent, kept] of [
    [folder, dataDir],
    [dataDir, logs],
  ] as const)
    for (const path of await entries(parent))
      if (path !== kept) await rm(path, { recursive: true, force: true, maxRetries: 3 })
  return logs
}

async function entries(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.map((name) => join(folder, name))
}
