import { z } from 'zod'
import { CertloomError } from '../../failure.ts'
import { inProcessSolver } from '../certloom-webhook.ts'
import { defineDnsProvider, type CallContext, type ChallengeRecord, type ProviderDeps } from '../provider.ts'
import { findPlugin, pluginNameProblem } from './plugin-file.ts'
import { runPlugin, type PluginCommand } from './run-plugin.ts'

const pluginName = z.string().superRefine((name, context) => {
  const problem = pluginNameProblem(name)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})
const objectName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/, 'must be the name of a Kubernetes object')
const secretKey = z
  .string()
  .max(253)
  .regex(/^(?!\.\.?$)[-._a-zA-Z0-9]+$/, 'must be a key of a Secret: letters, digits, "-", "_" and "."')
const timeoutSeconds = z
  .number()
  .int()
  .min(1, 'must be between 1 and 600')
  .max(600, 'must be between 1 and 600')
  .default(60)
// A name or value with a control character cannot be a challenge, and a NUL would cut an environment variable.
const plainText = z.string().regex(/^[^\u0000-\u001f\u007f]+$/, 'must be text without control characters')

const execConfig = z.strictObject({
  /** The file name of the plugin in the plugin directory. */
  plugin: pluginName,
  /** The Secret key whose bytes the plugin reads on stdin; without it, stdin is empty. */
  secretRef: z.strictObject({ name: objectName, key: secretKey }).optional(),
  timeoutSeconds,
  /** Run DELETE before every CREATE and ignore its failure, as kube-cert-manager did. */
  deleteFirst: z.boolean().default(false),
})

const execHandle = z.strictObject({
  v: z.literal(1),
  kind: z.literal('exec'),
  plugin: pluginName,
  secretRef: z.strictObject({ namespace: objectName, name: objectName, key: secretKey }).optional(),
  fqdn: plainText,
  domain: plainText,
  value: plainText,
  timeoutSeconds,
})

export type ExecConfig = z.infer<typeof execConfig>
/** A record made by an exec plugin. */
export type ExecHandle = z.infer<typeof execHandle>

/**
 * DNS-01 exec plugins: executables that create and delete one TXT record, five environment variables in, an exit code
 * out. By contract DELETE names the record by FQDN alone, so a plugin may remove every value at the name.
 */
export const execProvider = defineDnsProvider<ExecConfig, ExecHandle>({
  kind: 'exec',
  ...inProcessSolver('exec'),
  config: execConfig,
  handle: execHandle,
  create(config, namespace, deps) {
    const { plugin, timeoutSeconds } = config
    const secretRef = config.secretRef && { namespace, ...config.secretRef }
    const plan = (record: ChallengeRecord): ExecHandle => ({
      v: 1,
      kind: 'exec',
      plugin,
      ...(secretRef && { secretRef }),
      fqdn: absolute(record.fqdn),
      domain: domainOf(record),
      value: record.value,
      timeoutSeconds,
    })
    return {
      capabilities: { holdsManyValues: false, deletesByValue: false },
      summary: `exec ${plugin}`,
      async ready() {
        await findPlugin(deps.pluginDirectory, plugin)
        if (secretRef) await deps.readSecret(secretRef)
      },
      plan,
      async present(record, call) {
        const handle = plan(record)
        // Some plugins refuse to CREATE what is there, so a CREATE that may be the second needs a clean name.
        if (config.deleteFirst || call.again) await deleteIfPossible(handle, deps, call)
        await run('CREATE', handle, deps, call)
        return handle
      },
    }
  },
  cleanUp: (handle, deps, call) => run('DELETE', handle, deps, call),
})

async function deleteIfPossible(handle: ExecHandle, deps: ProviderDeps, call: CallContext): Promise<void> {
  try {
    await run('DELETE', handle, deps, call)
  } catch (error) {
    if (!(error instanceof CertloomError)) throw error
  }
}

async function run(
  command: PluginCommand,
  handle: ExecHandle,
  deps: ProviderDeps,
  call: CallContext,
): Promise<void> {
  const stdin = handle.secretRef ? await deps.readSecret(handle.secretRef) : Buffer.alloc(0)
  await runPlugin({ command, stdin, ...handle }, deps, call)
}

function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`
}

/** Plugins choose their zone by DOMAIN: when a CNAME led to another tree, the identifier would be the wrong answer. */
function domainOf({ fqdn, domain, zone }: ChallengeRecord): string {
  const name = absolute(fqdn).toLowerCase()
  const identifier = domain.replace(/^\*\./, '').replace(/\.$/, '')
  if (name.endsWith(`.${identifier.toLowerCase()}.`) || name === `${identifier.toLowerCase()}.`)
    return identifier
  return (zone ?? name.slice(name.indexOf('.') + 1)).replace(/\.$/, '')
}
