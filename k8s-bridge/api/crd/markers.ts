/**
 * Keys that stand in zod's `.meta()` beside the x-kubernetes-* ones. They steer the generator and never reach a CRD.
 */

/** The schema demands the field and the CRD does not: the API server stores such objects, we refuse them by name. */
export const OPTIONAL_IN_CRD = 'x-certloom-optional-in-crd'

/** The CRD may carry this default. Without the mark a default is refused, because it changes stored objects. */
export const SERVER_DEFAULT = 'x-certloom-server-default'

/** The API server owns the shape of this object; the CRD says only that it is one. */
export const OPAQUE_OBJECT = 'x-certloom-opaque-object'
