import * as z from 'zod'
import { exactlyOneOf } from '../choice.ts'
import { atomicList, int32, serverDefault, stringMap } from '../fields.ts'
import { podTemplate, templateMetadata } from './pod-template.ts'

const serviceType = z.string().describe('Type of the Service: ClusterIP or NodePort. Default: NodePort.')

const ingress = z
  .object({
    ingressClassName: z
      .string()
      .describe('Value of spec.ingressClassName of the Ingress. At most one of this, class and name.')
      .optional(),
    class: z
      .string()
      .describe('Value of the annotation kubernetes.io/ingress.class. For controllers that know only that.')
      .optional(),
    name: z
      .string()
      .describe(
        'Existing Ingress of the same namespace that gets the path for a while, instead of a new Ingress.',
      )
      .optional(),
    serviceType: serviceType.optional(),
    podTemplate: podTemplate.optional(),
    ingressTemplate: z
      .object({ metadata: templateMetadata('the Ingress').optional() })
      .describe('Changes to the Ingress that is made.')
      .optional(),
  })
  .describe('Answers through an Ingress.')
export type Http01Ingress = z.output<typeof ingress>

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomain = `${label}(\\.${label})*`

const parentReference = z
  .object({
    group: serverDefault(
      z
        .string()
        .max(253)
        .regex(new RegExp(`^$|^${subdomain}$`)),
      'gateway.networking.k8s.io',
    ).describe('API group of the parent.'),
    kind: serverDefault(
      z
        .string()
        .min(1)
        .max(63)
        .regex(/^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/),
      'Gateway',
    ).describe('Kind of the parent.'),
    namespace: z
      .string()
      .min(1)
      .max(63)
      .regex(new RegExp(`^${label}$`))
      .describe('Namespace of the parent. Default: that of the challenge.')
      .optional(),
    name: z.string().min(1).max(253).describe('Name of the parent.'),
    sectionName: z
      .string()
      .min(1)
      .max(253)
      .regex(new RegExp(`^${subdomain}$`))
      .describe('Listener of the Gateway to attach to. Default: every one that fits.')
      .optional(),
    port: int32()
      .min(1)
      .max(65535)
      .describe('Port of the listeners to attach to. Default: every port.')
      .optional(),
  })
  .describe('A Gateway, or something else that routes attach to.')

const gatewayHTTPRoute = z
  .object({
    parentRefs: atomicList(parentReference).describe('What the HTTPRoute attaches to.').optional(),
    labels: stringMap().describe('Labels of the HTTPRoute, by which a Gateway may choose it.').optional(),
    serviceType: serviceType.optional(),
    podTemplate: podTemplate.optional(),
  })
  .describe('Answers through an HTTPRoute of the Gateway API.')
export type Http01GatewayHttpRoute = z.output<typeof gatewayHTTPRoute>

const types = { ingress: ingress.optional(), gatewayHTTPRoute: gatewayHTTPRoute.optional() }
export const http01Types = Object.keys(types) as (keyof typeof types)[]

export const http01 = z
  .object(types)
  .check(exactlyOneOf(http01Types))
  .describe('Proves control by an answer over HTTP on port 80 (RFC 8555 8.3). Not for wildcards.')
export type Http01 = z.output<typeof http01>
