import * as z from 'zod'
import { OPTIONAL_IN_CRD, SERVER_DEFAULT } from './crd/markers.ts'

/** A list that is replaced as a whole by server-side apply. */
export function atomicList<T extends z.ZodType>(item: T) {
  return z.array(item).meta({ 'x-kubernetes-list-type': 'atomic' })
}

/** A list whose entries server-side apply merges by the value of `key`. */
export function listByKey<T extends z.ZodType>(key: string, item: T) {
  return z.array(item).meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] })
}

export function stringList() {
  return atomicList(z.string())
}

export function stringMap() {
  return z.record(z.string(), z.string())
}

export function int32() {
  return z.int32().meta({ format: 'int32' })
}

export function int64() {
  return z.int().meta({ format: 'int64' })
}

/** Bytes, as base64 text in JSON and in the inferred type (RFC 4648 section 4). */
export function bytes() {
  return z.base64({ error: 'must be base64' })
}

/** RFC 3339 text such as `2026-12-01T04:11:00Z`. */
export function time() {
  return z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time such as 2026-12-01T04:11:00Z' })
}

const goDurationPattern = /^[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$/

/** The text form of Go's time.Duration. The CRD says only `string`, as upstream's does. */
export function goDuration() {
  return z.string().refine((text) => goDurationPattern.test(text), {
    error: 'must be a Go duration such as 2160h or 1h30m (units: h, m, s, ms, us, ns)',
  })
}

const dnsSubdomainPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** Whether an object may be called so: a DNS subdomain (RFC 1123) of at most 253 characters. */
export function isObjectName(text: string): boolean {
  return text.length <= 253 && dnsSubdomainPattern.test(text)
}

/** The name of another object (DNS-1123 subdomain). The CRD says only `string`, as upstream's does. */
export function objectName() {
  return z.string().refine(isObjectName, {
    error: 'must be the name of an object: lower-case letters, digits, "-" and ".", at most 253 characters',
  })
}

/** What objects must have for us although their CRD lets them be stored without. */
export function optionalInCrd<T extends z.ZodType>(schema: T): T {
  return (schema as z.ZodType).meta({ [OPTIONAL_IN_CRD]: true }) as T
}

/** A default that the API server writes into the object: only where upstream's CRD has the same. */
export function serverDefault(schema: z.ZodString, value: string) {
  return schema.default(value).meta({ [SERVER_DEFAULT]: true })
}
