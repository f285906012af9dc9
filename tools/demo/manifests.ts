import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import { apiPath, apiVersionOf, kinds, type Kind } from '../../k8s-bridge/api/kinds.ts'
import { DemoError } from './error.ts'

export interface Manifest {
  readonly apiVersion: string
  readonly kind: Kind
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

/**
 * The objects of a YAML file, with `${NAME}` replaced by the value of that name.
 * @throws DemoError for a placeholder without a value, for bad YAML, and for an object of a kind that is not known
 */
export async function readManifests(
  file: string,
  values: Readonly<Record<string, string>> = {},
): Promise<Manifest[]> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  // Comments may speak of placeholders.
  const text = lines.filter((line) => !/^\s*#/.test(line)).join('\n')
  const filled = text.replace(/\$\{(\w+)\}/g, (placeholder, name: string) => {
    const value = values[name]
    if (value === undefined) throw new DemoError(`${file}: there is no value for ${placeholder}`)
    return value
  })
  return parseAllDocuments(filled).map((document) => {
    const [error] = document.errors
    if (error !== undefined) throw new DemoError(`${file}: ${error.message}`)
    return checked(file, document.toJS())
  })
}

function checked(file: string, content: unknown): Manifest {
  const { apiVersion, kind, metadata } = (content ?? {}) as Partial<Manifest>
  if (kind === undefined || !Object.hasOwn(kinds, kind) || apiVersion !== apiVersionOf(kind))
    throw new DemoError(
      `${file}: an object of kind ${String(kind)} (${String(apiVersion)}) is not known here`,
    )
  if (typeof metadata?.name !== 'string')
    throw new DemoError(`${file}: an object of kind ${kind} has no name`)
  return content as Manifest
}

/** Applies an object as `kubectl apply --server-side --validate=strict` does. Throws KubernetesError. */
export async function applyManifest(
  kubernetes: Kubernetes,
  manifest: Manifest,
  options: { dryRun?: boolean } = {},
): Promise<Manifest> {
  const { namespace, name } = manifest.metadata
  return kubernetes.apply<Manifest>(apiPath(manifest.kind, namespace, name), manifest, {
    fieldManager: 'certloom-demo',
    force: true,
    query: { fieldValidation: 'Strict', ...(options.dryRun ? { dryRun: 'All' } : {}) },
  })
}
