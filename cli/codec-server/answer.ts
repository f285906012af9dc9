import proto from '@temporalio/proto'
import type { Payload, PayloadCodec } from '@temporalio/common'
import { z } from 'zod'

/** A bad request, in words for whoever sent it. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest'
}

const base64 = z.string().regex(/^[A-Za-z0-9+/_-]*={0,2}$/, 'must be base64')
const body = z.object({
  payloads: z.array(z.object({ metadata: z.record(z.string(), base64).optional(), data: base64.optional() })),
})
/** An empty list as protojson writes it: the temporal program asks so for a result that is empty. */
const empty = z.strictObject({})

const { Payload: message } = proto.temporal.api.common.v1

/**
 * One request of Temporal's remote codec protocol: `{"payloads": [{"metadata": {name: base64}, "data": base64}]}` in
 * and out, as many payloads as came.
 * @throws BadRequest that names the field
 */
export async function transform(
  text: string,
  direction: 'encode' | 'decode',
  codecs: readonly PayloadCodec[],
): Promise<string> {
  let payloads: Payload[] = read(text)
  try {
    if (direction === 'encode') for (const codec of codecs) payloads = await codec.encode(payloads)
    else for (const codec of codecs.toReversed()) payloads = await codec.decode(payloads)
  } catch (error) {
    throw new BadRequest(error instanceof Error ? error.message : String(error))
  }
  return JSON.stringify({
    payloads: payloads.map((payload) => message.toObject(message.create(payload), { bytes: String })),
  })
}

function read(text: string): Payload[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new BadRequest(
      'the body is not JSON: send {"payloads": [{"metadata": {"encoding": "<base64>"}, "data": "<base64>"}]}',
    )
  }
  if (empty.safeParse(json).success) return []
  const parsed = body.safeParse(json)
  if (!parsed.success) {
    throw new BadRequest(
      parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; '),
    )
  }
  return parsed.data.payloads.map((payload) => message.fromObject(payload))
}
