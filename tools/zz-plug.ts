import { installPlugin } from './plugins/install.ts'
console.log(await installPlugin('examples/plugins/fixture-dns.mjs', '/tmp/plugins', 'fixture-dns'))
