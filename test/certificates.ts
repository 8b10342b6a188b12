import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A key and what it is certified with, as PEM. */
export interface Certified {
  key: string
  cert: string
}

/** An authority of its own, by the openssl command, in a folder that the caller removes. */
export interface Authority {
  /** Its certificate as PEM. */
  ca: string
  /**
   * A certificate under it.
   * @param subjectAltName such as `DNS:good.test` or `IP:127.0.0.1`
   * @param days of its life from now; -1 is over
   */
  issue(name: string, subjectAltName: string, days?: number): Certified
  /** A certificate that nobody but itself vouches for. */
  selfSigned(name: string, subjectAltName: string): Certified
}

export const hasOpenssl = (): boolean => spawnSync('openssl', ['version']).status === 0

const newKey = ['-newkey', 'rsa:2048', '-nodes']

export const createAuthority = (folder: string): Authority => {
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  }
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const certified = (name: string): Certified => ({
    key: read(`${name}.key`),
    cert: read(`${name}.pem`),
  })
  const sign = (name: string, ...rest: string[]): void => {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`]
    openssl('req', '-x509', ...newKey, ...files, '-days', '2', ...rest)
  }
  sign('ca', '-subj', '/CN=test authority')
  return {
    ca: read('ca.pem'),
    issue: (name, subjectAltName, days = 2) => {
      const request = ['-keyout', `${name}.key`, '-out', `${name}.csr`]
      openssl('req', ...newKey, ...request, '-subj', `/CN=${name}`)
      writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${subjectAltName}`)
      const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial']
      const files = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`]
      openssl('x509', '-req', ...authority, ...files, '-days', String(days))
      return certified(name)
    },
    selfSigned: (name, subjectAltName) => {
      sign(name, '-subj', `/CN=${name}`, '-addext', `subjectAltName=${subjectAltName}`)
      return certified(name)
    },
  }
}
