import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { SetupError } from './error.ts'

/** One object of a manifest in deploy/. */
export interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
  [field: string]: unknown
}

const deployFolder = fileURLToPath(new URL('../../deploy', import.meta.url))

/** All objects of the YAML files of a folder of deploy/ (not of folders below it), by name of the file. */
export async function readFolder(folder: string): Promise<Manifest[]> {
  const names = await readdir(join(deployFolder, folder)).catch((cause: unknown) => {
    throw new SetupError(`the folder deploy/${folder} is missing: install certloom with its deploy folder`, {
      cause,
    })
  })
  const files = names.filter((name) => name.endsWith('.yaml')).sort()
  return (await Promise.all(files.map((name) => readManifests(join(folder, name))))).flat()
}

/** All objects of one YAML file, named by its path below deploy/. */
export async function readManifests(file: string): Promise<Manifest[]> {
  const text = await readFile(join(deployFolder, file), 'utf8').catch((cause: unknown) => {
    throw new SetupError(`the file deploy/${file} is missing: install certloom with its deploy folder`, {
      cause,
    })
  })
  return parseAllDocuments(text).map((document) => {
    const problem = document.errors[0]
    if (problem !== undefined)
      throw new SetupError(`deploy/${file} is no YAML: put the file of the release back`, { cause: problem })
    return document.toJS() as Manifest
  })
}

const plurals: Readonly<Record<string, string>> = {
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  CustomResourceDefinition: 'customresourcedefinitions',
  MutatingAdmissionPolicy: 'mutatingadmissionpolicies',
  MutatingAdmissionPolicyBinding: 'mutatingadmissionpolicybindings',
  Namespace: 'namespaces',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  ServiceAccount: 'serviceaccounts',
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
}

/** The path of an object on the API server. */
export function pathOf({ apiVersion, kind, metadata }: Manifest): string {
  const plural = plurals[kind]
  if (plural === undefined) {
    throw new SetupError(`deploy/ holds a ${kind}, which setup cannot apply: apply it with kubectl`)
  }
  const api = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const place = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`
  return `${api}${place}/${plural}/${metadata.name}`
}
