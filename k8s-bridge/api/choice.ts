import * as z from 'zod'

/** The first of `keys` that `object` has. */
export function chosen<K extends string>(
  object: { readonly [key in K]?: unknown },
  keys: readonly K[],
): K | undefined {
  return keys.find((key) => object[key] !== undefined)
}

/**
 * Checks that an object has one of `keys` and no second one. The choice is no union, because a union has no structural
 * schema; the CRD leaves it open, as upstream's does.
 */
export function exactlyOneOf<K extends string>(keys: readonly K[]) {
  return z.refine<{ readonly [key in K]?: unknown }>(
    (object) => keys.filter((key) => object[key] !== undefined).length === 1,
    { error: `must have exactly one of ${keys.join(', ')}` },
  )
}
