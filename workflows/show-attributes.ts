import type { SearchAttributePair } from '@temporalio/common'
import { upsertSearchAttributes } from '@temporalio/workflow'
import { cutKeyMaterial } from './domain/key-material.ts'

/** Attributes are never encrypted and pass no codec: what looks like key material is cut here. */
export function showSearchAttributes(pairs: SearchAttributePair[]): void {
  upsertSearchAttributes(pairs.map((pair) => ({ ...pair, value: cut(pair.value) }) as SearchAttributePair))
}

function cut(value: unknown): unknown {
  if (typeof value === 'string') return cutKeyMaterial(value)
  return Array.isArray(value) ? value.map(cut) : value
}
