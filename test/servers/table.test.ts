import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeServers } from '../../tools/servers/table.ts'

test('the table shows the addresses of the started servers and lines to paste into a shell', () => {
  const text = describeServers({
    dataDir: '/data dir',
    ownerPid: 1,
    kubectlPath: '/opt/cache/kubectl',
    kubernetes: {
      url: 'https://127.0.0.1:1',
      caPem: 'pem',
      adminKubeconfigPath: "/data dir/it's",
      adminCertPath: '',
      adminKeyPath: '',
    },
    temporal: {
      address: '127.0.0.1:2',
      uiUrl: 'http://127.0.0.1:3',
      metricsUrl: 'http://127.0.0.1:4/metrics',
      dbFile: '',
      cliPath: '/opt/my tools/temporal',
    },
  })
  assert.equal(
    text,
    `Kubernetes API  https://127.0.0.1:1
  kubeconfig    /data dir/it's
  kubectl       /opt/cache/kubectl
Temporal        127.0.0.1:2
  UI            http://127.0.0.1:3
  CLI           /opt/my tools/temporal
Data and logs   /data dir

export KUBECONFIG='/data dir/it'\\''s'
export PATH=/opt/cache:'/opt/my tools':$PATH
export TEMPORAL_ADDRESS=127.0.0.1:2 TEMPORAL_NAMESPACE=certloom
`,
  )
})

test('servers that were not started have no line', () => {
  const text = describeServers({ dataDir: '/data', ownerPid: 1 })
  assert.equal(text, 'Data and logs  /data\n')
})
