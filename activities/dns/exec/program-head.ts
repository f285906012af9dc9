import { constants } from 'node:fs'
import { access, open } from 'node:fs/promises'

// The kernel reads the interpreter from the first 256 bytes (execve(2)).
const HEAD_BYTES = 256
const ELF_MAGIC = '\u007fELF'
// e_machine of the ELF header: what runs natively on the processors that we know (an x64 kernel runs i386 too).
const machines: Partial<Record<NodeJS.Architecture, readonly number[]>> = { x64: [62, 3], arm64: [183, 40] }

/**
 * Why the system could not execute this file, judged by its first bytes; undefined when nothing speaks against it.
 * Without this look, the C library hands a text without "#!" and a program for another processor to a shell.
 */
export async function inspectProgram(path: string): Promise<string | undefined> {
  const head = await readHead(path)
  // A program that may be executed but not read is none of our business.
  if (head === undefined) return undefined
  if (head.length === 0) return 'is an empty file'
  if (head.subarray(0, 2).toString('latin1') === '#!') return inspectInterpreter(head)
  if (head.subarray(0, 4).toString('latin1') === ELF_MAGIC) return inspectMachine(head)
  if (!head.includes(0)) return 'is neither a program nor a script whose first line begins with #!'
  return undefined
}

async function readHead(path: string): Promise<Buffer | undefined> {
  const file = await open(path, constants.O_RDONLY).catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function inspectInterpreter(head: Buffer): Promise<string | undefined> {
  const line = head.toString('utf8', 2).split('\n', 1)[0] ?? ''
  if (line.endsWith('\r'))
    return 'has Windows line ends: its interpreter would be looked for with a carriage return'
  const interpreter = line.trim().split(/[ \t]/, 1)[0] ?? ''
  if (interpreter === '') return 'names no interpreter after #! in its first line'
  return access(interpreter, constants.X_OK).then(
    () => undefined,
    () => `names the interpreter ${interpreter}, which is not there or cannot be executed`,
  )
}

function inspectMachine(head: Buffer): string | undefined {
  const native = machines[process.arch]
  if (native === undefined || head.length < 20) return undefined
  const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18)
  if (native.includes(machine)) return undefined
  return `is a program for another processor (ELF machine ${machine}, the worker runs on ${process.arch})`
}
