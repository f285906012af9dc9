import * as z from 'zod'
import { exactlyOneOf } from '../choice.ts'
import { bytes } from '../fields.ts'
import { secretKey, serviceAccountReference } from '../references.ts'

function mountPath(defaultPath: string) {
  return z.string().describe(`Path of the auth method in Vault. Default: ${defaultPath}.`).optional()
}

const appRole = z
  .object({
    path: z.string().describe('Path of the auth method in Vault, such as approle.'),
    roleId: z.string().describe('RoleID of the AppRole.'),
    secretRef: secretKey('the SecretID of the AppRole'),
  })
  .describe('Login with an AppRole.')

const clientCertificate = z
  .object({
    mountPath: mountPath('/v1/auth/cert'),
    name: z.string().describe('Certificate role to log in with. Default: any that matches.').optional(),
    secretName: z.string().describe('Secret with tls.crt and tls.key of the client.').optional(),
  })
  .describe('Login with a TLS client certificate.')

const kubernetes = z
  .object({
    role: z.string().describe('Vault role to log in with.'),
    mountPath: mountPath('/v1/auth/kubernetes'),
    secretRef: secretKey('a token of a ServiceAccount').optional(),
    serviceAccountRef: serviceAccountReference
      .describe('ServiceAccount for which a short-lived token is made. Instead of secretRef.')
      .optional(),
  })
  .describe('Login with a token of a ServiceAccount.')

const aws = z
  .object({
    role: z.string().min(1).describe('Vault role to log in with.'),
    mountPath: mountPath('/v1/auth/aws'),
    region: z.string().describe('AWS region whose STS endpoint signs the login.').optional(),
    iamRoleArn: z.string().describe('IAM role to assume before the login.').optional(),
    serviceAccountRef: serviceAccountReference
      .describe('ServiceAccount whose token is exchanged for AWS credentials.')
      .optional(),
    vaultHeaderValue: z
      .string()
      .describe('Value of the header X-Vault-AWS-IAM-Server-ID, if Vault wants one.')
      .optional(),
  })
  .describe('Login with AWS IAM credentials.')

const methods = {
  tokenSecretRef: secretKey('a Vault token').optional(),
  appRole: appRole.optional(),
  clientCertificate: clientCertificate.optional(),
  kubernetes: kubernetes.optional(),
  aws: aws.optional(),
}
export const vaultAuthMethods = Object.keys(methods) as (keyof typeof methods)[]

export const vaultIssuer = z
  .object({
    server: z.string().describe('URL of Vault, such as https://vault.example.com:8200.'),
    path: z.string().describe('Path of the signing endpoint, such as pki/sign/my-role.'),
    namespace: z.string().describe('Vault namespace (Vault Enterprise).').optional(),
    auth: z.object(methods).check(exactlyOneOf(vaultAuthMethods)).describe('Exactly one way to log in.'),
    caBundle: bytes()
      .describe(
        "PEM certificates that Vault's TLS certificate is verified with. Default: those of the system.",
      )
      .optional(),
    caBundleSecretRef: secretKey('the PEM certificates, ca.crt by default. Instead of caBundle').optional(),
    clientCertSecretRef: secretKey(
      'the TLS client certificate, if Vault wants one; tls.crt by default',
    ).optional(),
    clientKeySecretRef: secretKey(
      'the private key of the TLS client certificate; tls.key by default',
    ).optional(),
    serverName: z
      .string()
      .describe("Name to verify in Vault's TLS certificate. Default: the host of server.")
      .optional(),
  })
  .describe('Has certificates signed by the PKI engine of HashiCorp Vault or OpenBao.')
export type VaultIssuer = z.output<typeof vaultIssuer>
