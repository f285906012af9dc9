import { Command } from 'commander'
import { registerCodecServer } from './codec-server/command.ts'
import { registerRoles } from './roles.ts'
import { registerSetup } from './setup/command.ts'

const program = new Command('npm run certloom --')
  .description("Kubernetes certificates with cert-manager's API, each one a durable Temporal workflow.")
  .showHelpAfterError('(npm run certloom -- --help shows the commands and examples)')
  .addHelpText(
    'after',
    `
Examples:
  npm run certloom -- setup                       install CRDs, policies, rights and the Temporal namespace
  npm run certloom -- all                         bridge and worker in one process
  KUBECONFIG=~/.kube/dev npm run certloom -- all  against another cluster
`,
  )

registerSetup(program)
registerRoles(program)
registerCodecServer(program)
await program.parseAsync()
