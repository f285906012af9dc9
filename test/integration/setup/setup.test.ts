import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { Connection } from '@temporalio/client'
import { FIELD_MANAGER } from '../../../cli/setup/apply.ts'
import { pathOf, readFolder, readManifests, type Manifest } from '../../../cli/setup/manifests.ts'
import { setup, SetupError } from '../../../cli/setup/setup.ts'
import { searchAttributes } from '../../../workflows/search-attributes.ts'
import { testServers } from '../support/servers.ts'
import { TestCluster } from './support/cluster.ts'

const servers = await testServers()
const cluster = await TestCluster.open()
const { kubernetes } = cluster
const { address } = servers.temporal
const connection = await Connection.connect({ address })
after(() => connection.close())
after(() => cluster[Symbol.asyncDispose]())

const manifests = (await Promise.all(['crds', 'rbac', 'policies'].map(readFolder))).flat()

interface Live {
  metadata: { generation?: number; managedFields: { manager: string; fieldsV1: object; time: string }[] }
}

test('a second setup changes no object, and says what is there', async () => {
  const written = async () => {
    const live = await Promise.all(manifests.map((manifest) => kubernetes.get<Live>(pathOf(manifest))))
    return live.map((object, index) => {
      const own = object?.metadata.managedFields.filter(({ manager }) => manager === FIELD_MANAGER)
      assert.equal(own?.length, 1, manifests[index]?.metadata.name)
      return { generation: object?.metadata.generation, own }
    })
  }
  const before = await written()
  const lines: string[] = []
  await setup({ kubernetes, log: (line) => lines.push(line) })
  assert.deepEqual(await written(), before)
  assert.match(lines[0] ?? '', /^Kubernetes v1\.\d+/)
  assert.deepEqual(lines.slice(1), [
    '6 CustomResourceDefinitions are served',
    'service accounts, roles and bindings are there',
    'admission policies are in force',
  ])
})

interface Policy extends Manifest {
  metadata: Manifest['metadata'] & { generation?: number }
  status?: { observedGeneration?: number; typeChecking?: { expressionWarnings?: { warning: string }[] } }
}

/** The warnings of the API server's type checker, once it has looked at this generation. */
async function warningsOf(policy: Manifest): Promise<string[]> {
  const deadline = performance.now() + 20_000
  for (;;) {
    const live = await kubernetes.get<Policy>(pathOf(policy))
    if (
      live?.status?.observedGeneration === live?.metadata.generation &&
      live?.status?.typeChecking !== undefined
    ) {
      return (live.status.typeChecking.expressionWarnings ?? []).map(({ warning }) => warning)
    }
    assert.ok(performance.now() < deadline, `${policy.metadata.name} was not type-checked within 20 s`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const isValidating = ({ kind }: Manifest) => kind === 'ValidatingAdmissionPolicy'

for (const policy of manifests.filter(isValidating)) {
  test(`${policy.metadata.name} has no type errors against our CRDs`, async () => {
    assert.deepEqual(await warningsOf(policy), [])
  })
}

test('the policies for older clusters have no type errors either, and a wrong field would be seen', async () => {
  const [older] = (await readManifests('policies/older/certificaterequest-identity.yaml')).filter(
    isValidating,
  )
  assert.ok(older)
  const copy = (name: string, change: (spec: string) => string): Manifest => ({
    ...older,
    metadata: { name: `${cluster.namespace}-${name}` },
    spec: JSON.parse(change(JSON.stringify(older.spec))) as object,
  })
  const fine = copy('fine', (spec) => spec)
  const wrong = copy('wrong', (spec) => spec.replaceAll('spec.username', 'spec.userName'))
  const collection = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies'
  for (const policy of [fine, wrong]) await cluster.make(collection, policy)
  assert.deepEqual(await warningsOf(fine), [])
  assert.match((await warningsOf(wrong)).join(), /userName/)
})

test('setup makes the Temporal namespace with its retention and all search attributes, and corrects them later', async () => {
  const namespace = `setup-${randomUUID().slice(0, 8)}`
  const lines: string[] = []
  const run = (retentionDays?: number) =>
    setup({ temporal: { address, namespace }, retentionDays, log: (line) => lines.push(line) })
  const retention = async () => {
    const { config } = await connection.workflowService.describeNamespace({ namespace })
    return Number(config?.workflowExecutionRetentionTtl?.seconds) / 86_400
  }
  await run()
  assert.equal(await retention(), 90)
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace })
  for (const { name } of Object.values(searchAttributes)) assert.ok(customAttributes[name], name)
  await run()
  await run(7)
  assert.equal(await retention(), 7)
  assert.deepEqual(lines, [
    `Temporal namespace ${namespace} made; closed runs are kept 90 days`,
    `search attributes registered: ${Object.values(searchAttributes)
      .map(({ name }) => name)
      .join(', ')}`,
    `Temporal namespace ${namespace} is there`,
    'search attributes are there',
    `Temporal namespace ${namespace} is there; closed runs are now kept 7 days`,
    'search attributes are there',
  ])
})

test('a workflow with all search attributes can be started at once after setup', async () => {
  const namespace = `setup-${randomUUID().slice(0, 8)}`
  await setup({ temporal: { address, namespace, connection }, log: () => undefined })
  const values = { KEYWORD: 'x', INT: 1, BOOL: true, DATETIME: '2026-01-02T03:04:05Z', KEYWORD_LIST: ['x'] }
  const payload = (type: keyof typeof values) => ({
    metadata: { encoding: Buffer.from('json/plain') },
    data: Buffer.from(JSON.stringify(values[type])),
  })
  await connection.workflowService.startWorkflowExecution({
    namespace,
    requestId: randomUUID(),
    workflowId: 'certificate/shop/tls',
    workflowType: { name: 'certificate' },
    taskQueue: { name: 'nobody' },
    searchAttributes: {
      indexedFields: Object.fromEntries(
        Object.values(searchAttributes).map(({ name, type }) => [name, payload(type)]),
      ),
    },
  })
})

test('a search attribute of another type is named, with what to do', async () => {
  const namespace = `setup-${randomUUID().slice(0, 8)}`
  const log = () => undefined
  await setup({ temporal: { address, namespace, connection }, log })
  await connection.operatorService.removeSearchAttributes({ namespace, searchAttributes: ['CertFailures'] })
  // 2: INDEXED_VALUE_TYPE_KEYWORD.
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: { CertFailures: 2 } })
  await assert.rejects(setup({ temporal: { address, namespace, connection }, log }), (error) => {
    assert.ok(error instanceof SetupError)
    assert.match(
      error.message,
      /^the search attribute CertFailures of .* is of type KEYWORD and must be INT: use another/,
    )
    return true
  })
})

test('an aborted setup ends at once, with the reason of the signal', async () => {
  const reason = new Error('enough')
  await assert.rejects(
    setup({ kubernetes, log: () => undefined, signal: AbortSignal.abort(reason) }),
    (error) => error === reason,
  )
})
