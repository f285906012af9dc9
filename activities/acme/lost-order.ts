import { AcmeProblem } from '../clients/acme.ts'
import { CertloomError } from '../failure.ts'

/** RFC 8555 names no problem type for a resource that is not there; every server answers 404. */
const NOT_FOUND = 404

/** Asks the CA about an order in hand. Throws OrderLost where the CA knows it no more: nobody has judged it then. */
export async function askAbout<T>(order: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof AcmeProblem) || error.status !== NOT_FOUND) throw error
    throw new CertloomError(
      'OrderLost',
      `The ACME server knows nothing of ${order}: ${error.failure.message}`,
      { cause: error },
    )
  }
}
