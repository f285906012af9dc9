import { readdir, readFile, readlink } from 'node:fs/promises'

/**
 * Pipes and Unix sockets that a process has open: a call of a plugin that is not tidied up leaves three of them. TCP
 * connections are kept for the next request, and are not counted.
 */
export async function pipesOf(pid: number): Promise<number> {
  const table = await readFile(`/proc/${pid}/net/unix`, 'utf8')
  const unix = new Set(table.split('\n').map((line) => line.trim().split(/\s+/)[6]))
  const open = await readdir(`/proc/${pid}/fd`)
  // One that was closed since is none that is left.
  const targets = await Promise.all(open.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
  return targets.filter((target) => {
    const socket = /^socket:\[(\d+)\]$/.exec(target)?.[1]
    return target.startsWith('pipe:') || (socket !== undefined && unix.has(socket))
  }).length
}
