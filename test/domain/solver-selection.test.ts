import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  selectSolver,
  type SelectableSolver,
  type SolverQuestion,
} from '../../workflows/domain/solver-selection.ts'

const dns = (selector?: SelectableSolver['selector']): SelectableSolver => ({ selector, dns01: {} })
const http = (selector?: SelectableSolver['selector']): SelectableSolver => ({ selector, http01: {} })

type Question = SolverQuestion<SelectableSolver>

interface Case extends Partial<Question> {
  solvers: SelectableSolver[]
  index: number | undefined
}

const both = ['http-01', 'dns-01', 'tls-alpn-01']

const cases: Record<string, Case> = {
  'no solver, no choice': { solvers: [], index: undefined },
  'the first of equals wins': { solvers: [dns(), dns()], index: 0 },
  'an empty selector is like none': { solvers: [dns({}), dns()], index: 0 },
  'a type that is not offered is passed over': {
    solvers: [http(), dns()],
    offeredTypes: ['dns-01'],
    index: 1,
  },
  'only foreign types offered, no choice': {
    solvers: [http(), dns()],
    offeredTypes: ['tls-alpn-01'],
    index: undefined,
  },
  'a solver of no known type is passed over': { solvers: [{}, dns()], index: 1 },
  'a wildcard needs dns-01': {
    solvers: [http({ dnsNames: ['*.a.example'] }), dns()],
    wildcard: true,
    index: 1,
  },
  'a wildcard without dns-01, no choice': { solvers: [http()], wildcard: true, index: undefined },
  'a name in dnsNames beats a zone': {
    solvers: [dns({ dnsZones: ['a.example'] }), dns({ dnsNames: ['a.example'] })],
    index: 1,
  },
  'a wildcard is looked up with its star': {
    solvers: [dns({ dnsNames: ['a.example'] }), dns({ dnsNames: ['*.a.example'] })],
    wildcard: true,
    index: 1,
  },
  'the apex is not its wildcard': { solvers: [dns({ dnsNames: ['*.a.example'] })], index: undefined },
  'dnsNames of others do not match': { solvers: [dns({ dnsNames: ['b.example'] })], index: undefined },
  'a zone beats none': { solvers: [dns(), dns({ dnsZones: ['example'] })], index: 1 },
  'the longer zone wins': {
    solvers: [dns({ dnsZones: ['example'] }), dns({ dnsZones: ['b', 'A.Example.'] })],
    index: 1,
  },
  'a zone ends at a label': {
    solvers: [dns({ dnsZones: ['xa.example'] })],
    identifier: 'a.example',
    index: undefined,
  },
  'a name that only ends like a zone is not in it': {
    solvers: [dns({ dnsZones: ['a.example'] })],
    identifier: 'xa.example',
    index: undefined,
  },
  'the root is no zone to select by': { solvers: [dns({ dnsZones: ['.'] })], index: undefined },
  'labels beat none': {
    solvers: [dns(), dns({ matchLabels: { team: 'a' } })],
    labels: { team: 'a' },
    index: 1,
  },
  'more labels win': {
    solvers: [dns({ matchLabels: { team: 'a' } }), dns({ matchLabels: { team: 'a', env: 'x' } })],
    labels: { team: 'a', env: 'x' },
    index: 1,
  },
  'all labels must match': {
    solvers: [dns({ matchLabels: { team: 'a', env: 'y' } })],
    labels: { team: 'a', env: 'x' },
    index: undefined,
  },
  'labels of every object do not match': {
    solvers: [dns({ matchLabels: { constructor: 'a' } })],
    index: undefined,
  },
  'a zone beats labels': {
    solvers: [dns({ matchLabels: { team: 'a' } }), dns({ dnsZones: ['example'] })],
    labels: { team: 'a' },
    index: 1,
  },
  'all given parts must match': {
    solvers: [dns({ dnsNames: ['a.example'], dnsZones: ['other'] }), dns()],
    index: 1,
  },
  'among equal zones the labels decide': {
    solvers: [dns({ dnsZones: ['example'] }), dns({ dnsZones: ['example'], matchLabels: { team: 'a' } })],
    labels: { team: 'a' },
    index: 1,
  },
  'among equal names the zones decide': {
    solvers: [dns({ dnsNames: ['a.example'] }), dns({ dnsNames: ['a.example'], dnsZones: ['example'] })],
    index: 1,
  },
}
for (const [name, { index, ...question }] of Object.entries(cases)) {
  test(name, () => {
    const found = selectSolver({ identifier: 'a.example', offeredTypes: both, ...question })
    assert.equal(found?.index, index)
    if (found !== undefined) assert.equal(found.solver, question.solvers[found.index])
  })
}

test('the type of the chosen solver is told', () => {
  const question = { identifier: 'a.example', offeredTypes: both }
  assert.equal(selectSolver({ ...question, solvers: [http()] })?.type, 'http-01')
  assert.equal(selectSolver({ ...question, solvers: [dns()] })?.type, 'dns-01')
})

test('a solver that is worse or equal never changes the choice when it comes later', () => {
  const selector = fc.option(
    fc.record(
      {
        dnsNames: fc.subarray(['a.example', 'b.example']),
        dnsZones: fc.subarray(['example', 'a.example', 'other']),
        matchLabels: fc.constantFrom<Record<string, string>>({}, { team: 'a' }, { team: 'b' }),
      },
      { requiredKeys: [] },
    ),
    { nil: undefined },
  )
  fc.assert(
    fc.property(fc.array(selector.map(dns), { minLength: 1 }), (solvers) => {
      const ask = (list: SelectableSolver[]) =>
        selectSolver({ solvers: list, identifier: 'a.example', offeredTypes: both, labels: { team: 'a' } })
      const best = ask(solvers)
      assert.equal(ask([...solvers, ...solvers])?.index, best?.index)
      assert.equal(ask([...solvers, dns()])?.index, best?.index ?? solvers.length)
    }),
  )
})
