import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { refusedAddress } from '../../activities/clients/addresses.ts'
import { createEgress, type EgressOptions, type EgressRequest } from '../../activities/clients/egress.ts'
import { CertloomError } from '../../activities/failure.ts'
import { preparePki, type Pki } from '../../tools/servers/pki.ts'

const failure = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CertloomError, String(error))
  assert.equal(error.failure.code, code)
  assert.match(error.failure.message, message)
  return true
}

function egress(t: TestContext, options: Partial<EgressOptions> = {}) {
  const client = createEgress({ allowPrivate: false, userAgent: 'certloom-test', ...options })
  t.after(() => client.close())
  const get = (url: string, more: Partial<EgressRequest> = {}) =>
    client.request({ url, method: 'GET', timeoutMs: 5000, maxBodyBytes: 1000, policy: 'cluster', ...more })
  return { client, get }
}

async function listening(t: TestContext, server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host)
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const serve = (t: TestContext, handler: RequestListener, host?: string) =>
  listening(t, createServer(handler), host)

/** The handler of a server that must stay alone. */
const unreached: RequestListener = (_request, response) => {
  response.end('reached')
  assert.fail('the server was reached')
}

suite('egress', () => {
  test('sends method, headers and body, and returns what the server says', async (t) => {
    const port = await serve(t, (request, response) => {
      response.writeHead(201, {
        'X-Echo': `${request.method} ${request.headers['user-agent']}`,
        link: ['<a>', '<b>'],
      })
      request.pipe(response)
    })
    const url = `http://127.0.0.1:${port}/path?query=1`
    const result = await egress(t).get(url, { method: 'POST', body: 'hello' })
    assert.equal(result.status, 201)
    assert.equal(result.headers['x-echo'], 'POST certloom-test')
    assert.equal(result.headers.link, '<a>, <b>')
    assert.equal(result.body.toString(), 'hello')
    assert.equal(result.url, url)
  })

  test('keeps connections between requests', async (t) => {
    const ports = new Set<number | undefined>()
    const port = await serve(t, (request, response) => {
      ports.add(request.socket.remotePort)
      response.end()
    })
    const { get } = egress(t)
    for (let i = 0; i < 10; i++) await get(`http://127.0.0.1:${port}/`)
    // A connection rests for one turn of the event loop after an answer, so two take turns.
    assert.ok(ports.size <= 2, `${ports.size} connections`)
  })

  suite('where namespaced Issuers may not lead', () => {
    for (const host of [
      '127.0.0.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '169.254.169.254',
      '0.0.0.0',
      '2130706433',
      '0x7f.1',
    ]) {
      test(`${host} in a URL is refused before anything is sent`, async (t) => {
        await assert.rejects(
          egress(t).get(`http://${host}:9/`, { policy: 'namespaced' }),
          failure('InvalidSpec', /^spec\.acme\.server: .* address that is not reached: name another server/),
        )
      })
    }

    test('a name is refused when any of its addresses is', async (t) => {
      const port = await serve(t, unreached)
      const lookup: EgressOptions['lookup'] = async () => [
        { address: '93.184.216.34', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]
      await assert.rejects(
        egress(t, { lookup }).get(`http://ca.example.com:${port}/`, {
          policy: 'namespaced',
          field: 'spec.vault.server',
        }),
        failure(
          'InvalidSpec',
          /^spec\.vault\.server: ca\.example\.com resolves to 127\.0\.0\.1, a loopback address/,
        ),
      )
    })

    test('a connection kept for a ClusterIssuer does not serve a namespaced one', async (t) => {
      const port = await serve(t, (_request, response) => response.end())
      const { get } = egress(t)
      const url = `http://localhost:${port}/`
      await get(url)
      await assert.rejects(
        get(url, { policy: 'namespaced' }),
        failure('InvalidSpec', /localhost resolves to/),
      )
    })

    test('the operator can allow them', async (t) => {
      const port = await serve(t, (_request, response) => response.end('ok'))
      const result = await egress(t, { allowPrivate: true }).get(`http://127.0.0.1:${port}/`, {
        policy: 'namespaced',
      })
      assert.equal(result.body.toString(), 'ok')
    })

    test('loopback, link-local, metadata and their disguises are refused; private networks are not', () => {
      const refused = [
        ...[
          '127.0.0.1',
          '127.9.9.9',
          '::1',
          '::ffff:127.0.0.1',
          '64:ff9b::7f00:1',
          '2002:7f00:1::',
          '::127.0.0.1',
        ],
        ...[
          '169.254.1.1',
          'fe80::1',
          '169.254.169.254',
          '::ffff:169.254.169.254',
          'fd00:ec2::254',
          '100.100.100.200',
        ],
        ...['168.63.129.16', '0.0.0.0', '::', '224.0.0.1', 'ff02::1', '255.255.255.255', 'not an address'],
      ]
      for (const address of refused) assert.ok(refusedAddress(address) !== undefined, address)
      const allowed = [
        '10.0.0.1',
        '172.16.0.1',
        '192.168.1.1',
        'fd12::1',
        '100.64.0.1',
        '8.8.8.8',
        '2606:4700::1111',
      ]
      for (const address of [...allowed, '64:ff9b::808:808', '::ffff:10.0.0.1']) {
        assert.equal(refusedAddress(address), undefined, address)
      }
    })
  })

  test('connects to the very address that the look-up gave, and asks it once per connection', async (t) => {
    const port = await serve(t, (request, response) => response.end(request.headers.host), '127.0.0.2')
    const asked: string[] = []
    const lookup: EgressOptions['lookup'] = async (hostname) => {
      asked.push(hostname)
      return [{ address: '127.0.0.2', family: 4 }]
    }
    const result = await egress(t, { lookup }).get(`http://ca.example.com:${port}/`)
    assert.equal(result.body.toString(), `ca.example.com:${port}`)
    assert.deepEqual(asked, ['ca.example.com'])
  })

  suite('redirects', () => {
    const redirectTo =
      (location: string): RequestListener =>
      (_request, response) => {
        response.writeHead(302, { location }).end()
      }

    test('are followed within the limit, without credentials to another origin', async (t) => {
      const target = await serve(t, (request, response) =>
        response.end(`to ${request.headers.authorization}`),
      )
      const port = await serve(t, redirectTo(`http://127.0.0.1:${target}/there`))
      const { get } = egress(t)
      const headers = { Authorization: 'Bearer x' }
      const result = await get(`http://127.0.0.1:${port}/`, { maxRedirects: 1, headers })
      assert.equal(result.body.toString(), 'to undefined')
      assert.equal(result.url, `http://127.0.0.1:${target}/there`)
    })

    test('are returned as they are when none is allowed, and for POST', async (t) => {
      const port = await serve(t, redirectTo('/elsewhere'))
      const { get } = egress(t)
      assert.equal((await get(`http://127.0.0.1:${port}/`)).status, 302)
      assert.equal((await get(`http://127.0.0.1:${port}/`, { method: 'POST', maxRedirects: 3 })).status, 302)
    })

    test('end at the limit', async (t) => {
      const port = await serve(t, redirectTo('/again'))
      await assert.rejects(
        egress(t).get(`http://127.0.0.1:${port}/`, { maxRedirects: 2 }),
        failure('CaUnreachable', /redirects more than 2 times/),
      )
    })

    for (const address of ['127.0.0.1', '169.254.169.254']) {
      test(`to ${address} are refused, whoever named the first server`, async (t) => {
        const target = await serve(t, unreached)
        const port = await serve(t, redirectTo(`http://${address}:${target}/latest/meta-data`), '127.0.0.2')
        const lookup: EgressOptions['lookup'] = async () => [{ address: '127.0.0.2', family: 4 }]
        await assert.rejects(
          egress(t, { lookup }).get(`http://ca.example.com:${port}/`, { maxRedirects: 5, policy: 'cluster' }),
          failure(
            'InvalidSpec',
            new RegExp(`${address.replaceAll('.', '\\.')}, a .* address that is not reached`),
          ),
        )
      })
    }

    test('to another scheme are refused', async (t) => {
      const port = await serve(t, redirectTo('file:///etc/passwd'))
      await assert.rejects(
        egress(t).get(`http://127.0.0.1:${port}/`, { maxRedirects: 5 }),
        failure('InvalidSpec', /file: is not https: or http:/),
      )
    })
  })

  suite('limits', () => {
    test('a body that is too large is cut off, announced or not', async (t) => {
      const port = await serve(t, (request, response) => {
        if (request.url === '/announced') response.setHeader('content-length', 100_000)
        response.write('x'.repeat(600))
        response.end('x'.repeat(request.url === '/announced' ? 99_400 : 600))
      })
      const { get } = egress(t)
      for (const path of ['announced', 'chunked']) {
        await assert.rejects(
          get(`http://127.0.0.1:${port}/${path}`),
          failure('CaUnreachable', /answers with more than 1000 bytes/),
        )
      }
      assert.equal((await get(`http://127.0.0.1:${port}/`, { maxBodyBytes: 1200 })).body.length, 1200)
    })

    test('a body that drips, and an answer that never starts, end with the time limit', async (t) => {
      const port = await serve(t, (request, response) => {
        if (request.url === '/silent') return
        response.writeHead(200)
        const drip = setInterval(() => response.write('.'), 20)
        response.on('close', () => clearInterval(drip))
      })
      for (const path of ['drip', 'silent']) {
        await assert.rejects(
          egress(t).get(`http://127.0.0.1:${port}/${path}`, { timeoutMs: 150 }),
          failure('CaUnreachable', /^127\.0\.0\.1:\d+ did not answer completely in 150 ms/),
        )
      }
    })

    test('a cancel throws the reason of the signal', async (t) => {
      const controller = new AbortController()
      const reason = new Error('cancelled')
      const port = await serve(t, () => controller.abort(reason))
      await assert.rejects(egress(t).get(`http://127.0.0.1:${port}/`, { signal: controller.signal }), reason)
    })
  })

  suite('what a user reads when the network fails', () => {
    test('a closed port', async (t) => {
      const server = createTcpServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      server.close()
      await once(server, 'close')
      await assert.rejects(
        egress(t).get(`https://127.0.0.1:${port}/`),
        failure('CaUnreachable', new RegExp(`^connection refused by 127\\.0\\.0\\.1:${port}$`)),
      )
    })

    test('a name that does not exist', async (t) => {
      const lookup: EgressOptions['lookup'] = async () => []
      await assert.rejects(
        egress(t, { lookup }).get('https://ca.example.com/directory'),
        failure('CaUnreachable', /^the host of ca\.example\.com:443 does not exist in DNS$/),
      )
    })

    test('a server that closes the connection, and one that speaks no HTTP', async (t) => {
      for (const [answer, message] of [
        ['', /connection closed by/],
        ['SSH-2.0-x\r\n', /does not speak HTTP/],
      ] as const) {
        const server = createTcpServer((socket) => {
          socket.on('error', () => {})
          socket.once('data', () => socket.end(answer))
        }).listen(0, '127.0.0.1')
        await once(server, 'listening')
        t.after(() => server.close())
        const { port } = server.address() as AddressInfo
        await assert.rejects(egress(t).get(`http://127.0.0.1:${port}/`), failure('CaUnreachable', message))
      }
    })

    test('a URL that is none, has a password or another scheme', async (t) => {
      const { get } = egress(t)
      await assert.rejects(get('acme'), failure('InvalidSpec', /^spec\.acme\.server: not a URL/))
      await assert.rejects(get('file:///etc/passwd'), failure('InvalidSpec', /file: is not https: or http:/))
      await assert.rejects(get('https://user:hunter2@ca.example.com/'), (error) => {
        assert.doesNotMatch(String(error), /hunter2/)
        return failure('InvalidSpec', /must not hold a user or password/)(error)
      })
    })
  })

  suite('TLS', () => {
    let folder: string
    let pki: Pki
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'egress-'))
      pki = await preparePki(folder)
    })
    after(() => rm(folder, { recursive: true }))

    const serveTls = async (t: TestContext) =>
      listening(
        t,
        createTlsServer(
          { cert: await readFile(pki.server.cert), key: await readFile(pki.server.key) },
          (_, response) => response.end('secure'),
        ),
      )

    test('an authority that is not known asks for caBundle; with it, or unchecked, the server is reached', async (t) => {
      const url = `https://localhost:${await serveTls(t)}/`
      const { get } = egress(t)
      await assert.rejects(
        get(url),
        failure('CaUnreachable', /certificate signed by unknown authority: set spec\.acme\.caBundle/),
      )
      assert.equal((await get(url, { caPem: pki.caPem })).body.toString(), 'secure')
      assert.equal((await get(url, { insecureSkipVerify: true })).body.toString(), 'secure')
      await assert.rejects(get(url), failure('CaUnreachable', /unknown authority/))
    })

    test('the certificate must be for the name in the URL', async (t) => {
      const port = await serveTls(t)
      const lookup: EgressOptions['lookup'] = async () => [{ address: '127.0.0.1', family: 4 }]
      await assert.rejects(
        egress(t, { lookup }).get(`https://ca.example.com:${port}/`, { caPem: pki.caPem }),
        failure('CaUnreachable', /certificate of ca\.example\.com:\d+ is for another name/),
      )
    })

    test('a bundle without a certificate is refused with the name of the field', async (t) => {
      await assert.rejects(
        egress(t).get('https://ca.example.com/', { caPem: 'no PEM' }),
        failure('InvalidSpec', /^spec\.acme\.caBundle: /),
      )
    })

    test('a server without TLS is told apart', async (t) => {
      const port = await serve(t, (_request, response) => response.end())
      await assert.rejects(
        egress(t).get(`https://127.0.0.1:${port}/`),
        failure('CaUnreachable', /^127\.0\.0\.1:\d+ does not speak TLS/),
      )
    })

    test('a way from https to http is refused', async (t) => {
      const options = { cert: await readFile(pki.server.cert), key: await readFile(pki.server.key) }
      const port = await listening(
        t,
        createTlsServer(options, (_request, response) => {
          response.writeHead(301, { location: 'http://localhost/' }).end()
        }),
      )
      await assert.rejects(
        egress(t).get(`https://localhost:${port}/`, { caPem: pki.caPem, maxRedirects: 1 }),
        failure('InvalidSpec', /redirects from https to http/),
      )
    })
  })
})
