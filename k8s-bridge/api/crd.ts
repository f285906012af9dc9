import { stringify } from 'yaml'
import { definitions, type Definition } from './crd/definitions.ts'
import { structuralSchema, type StructuralSchema } from './crd/structural.ts'

/** The release of cert-manager whose schemas these are. `cmctl version` reads it from the labels. */
export const API_RELEASE = 'v1.21.1'

export interface CustomResourceDefinition {
  apiVersion: 'apiextensions.k8s.io/v1'
  kind: 'CustomResourceDefinition'
  metadata: { name: string; labels: Record<string, string>; annotations: Record<string, string> }
  spec: {
    group: string
    names: Record<string, unknown>
    scope: 'Namespaced' | 'Cluster'
    versions: ({ schema: { openAPIV3Schema: StructuralSchema } } & Record<string, unknown>)[]
  }
}

export function customResourceDefinition(definition: Definition): CustomResourceDefinition {
  const { group, version, kind, plural, namespaced } = definition.resource
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // The names are those of cert-manager, because tools select by them; part-of tells whose copy this is.
      labels: {
        app: 'cert-manager',
        'app.kubernetes.io/component': 'crds',
        'app.kubernetes.io/instance': 'cert-manager',
        'app.kubernetes.io/name': 'cert-manager',
        'app.kubernetes.io/part-of': 'certloom',
        'app.kubernetes.io/version': API_RELEASE,
      },
      // Without it, uninstalling a chart that holds the CRD would delete every Certificate.
      annotations: { 'helm.sh/resource-policy': 'keep' },
    },
    spec: {
      group,
      names: {
        categories: definition.categories,
        kind,
        listKind: `${kind}List`,
        plural,
        ...(definition.shortNames.length > 0 ? { shortNames: definition.shortNames } : {}),
        singular: kind.toLowerCase(),
      },
      scope: namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: definition.columns,
          ...(definition.selectableFields.length > 0
            ? { selectableFields: definition.selectableFields.map((jsonPath) => ({ jsonPath })) }
            : {}),
          schema: { openAPIV3Schema: structuralSchema(definition.schema) },
        },
      ],
    },
  }
}

/** File name to content, for all six kinds. The same schemas give the same bytes. */
export function crdFiles(): Map<string, string> {
  return new Map(
    definitions.map((definition) => {
      const crd = customResourceDefinition(definition)
      const text = stringify(crd, { aliasDuplicateObjects: false, lineWidth: 110 })
      return [`${crd.metadata.name}.yaml`, `# Generated from k8s-bridge/api by "npm run generate".\n${text}`]
    }),
  )
}
