import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { FaultPoint, When } from './fault-points.ts'

/**
 * How a test says where a step stops, and hears that it does: files in one folder, by the name of the Certificate (or
 * of the issuer). `.arm` names the point, `.held` says that a step waits there, `.release` lets it go on,
 * `.passed` says that it does.
 */
export class Control {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  // --- the test's side ---

  arm(name: string, point: FaultPoint, when: When): void {
    writeFileSync(this.#file(name, 'arm'), `${point}:${when}`)
  }

  isHeld(name: string): boolean {
    return existsSync(this.#file(name, 'held'))
  }

  /** Whether no step waits any more: it went on, or it was given up and is tried elsewhere. */
  hasPassed(name: string): boolean {
    return existsSync(this.#file(name, 'passed')) || !this.isHeld(name)
  }

  release(name: string): void {
    rmSync(this.#file(name, 'arm'), { force: true })
    writeFileSync(this.#file(name, 'release'), '')
  }

  // --- the side of the process under test ---

  /**
   * Waits here while the test says so. A further try of the step, after the first one ran out of time, waits as well.
   *
   * @param given whether the server has given this try up: it then ends instead of waiting
   */
  async pass(name: string, point: FaultPoint, when: When, given: () => boolean): Promise<void> {
    if (!this.#isArmed(name, point, when)) return
    writeFileSync(this.#file(name, 'held'), String(process.pid))
    while (!existsSync(this.#file(name, 'release'))) {
      if (given()) {
        rmSync(this.#file(name, 'held'), { force: true })
        throw new Error('this try was given up while it was held')
      }
      await delay(20)
    }
    writeFileSync(this.#file(name, 'passed'), String(process.pid))
  }

  #isArmed(name: string, point: FaultPoint, when: When): boolean {
    try {
      return readFileSync(this.#file(name, 'arm'), 'utf8') === `${point}:${when}`
    } catch {
      return false
    }
  }

  #file(name: string, what: 'arm' | 'held' | 'release' | 'passed'): string {
    return join(this.folder, `${name}.${what}`)
  }
}
