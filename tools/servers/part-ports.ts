import type { ServerName } from './facts.ts'
import { authoritativeHosts } from './parts/dns.ts'
import type { PebbleOptions } from './parts/pebble.ts'
import { choosePorts, type PortWish } from './ports.ts'

const portsOf = {
  etcd: ['etcd'],
  'kube-apiserver': ['apiserver'],
  'kube-controller-manager': ['controllerManager'],
  temporal: ['temporal', 'temporalUi', 'temporalMetrics'],
  pebble: ['pebble', 'pebbleManagement', 'pebbleHttp', 'pebbleTls'],
  dns: ['dnsAuthoritative', 'dnsResolver', 'dnsControl'],
  kubectl: [],
} as const satisfies Record<ServerName, readonly string[]>

export type PortName = (typeof portsOf)[ServerName][number]

/**
 * The ports of the wanted parts: those remembered from the last start where they are free, so that kubeconfigs and
 * addresses stay valid. The ports of parts that are not wanted are 0.
 */
export async function choosePartPorts(
  parts: ReadonlySet<ServerName>,
  remembered: Readonly<Record<string, number>>,
  pebble: PebbleOptions = {},
): Promise<Record<PortName, number>> {
  const wishes: Partial<Record<PortName, PortWish>> = {}
  for (const part of parts)
    for (const name of portsOf[part]) wishes[name] = { ...places[name], preferred: remembered[name] }
  const ports = Object.fromEntries(
    Object.values(portsOf)
      .flat()
      .map((name) => [name, 0]),
  ) as Record<PortName, number>
  Object.assign(ports, await choosePorts(wishes as Record<string, PortWish>))
  if (pebble.httpPort !== undefined) ports.pebbleHttp = pebble.httpPort
  if (pebble.tlsPort !== undefined) ports.pebbleTls = pebble.tlsPort
  return ports
}

const places: Partial<Record<PortName, PortWish>> = {
  dnsAuthoritative: { hosts: authoritativeHosts, udp: true },
  dnsResolver: { udp: true },
}
