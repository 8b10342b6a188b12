/** One more listener of a node, over TLS and with a login; nodes talk to each other on the plain one. */
export interface SecureListener {
  /** PEM: a certificate for 127.0.0.1 and its key (PKCS #8). */
  cert: string
  key: string
  /** Who is let in, by PLAIN and by SCRAM-SHA-512. */
  username: string
  password: string
}

const name = 'SECURE'
const security = 'org.apache.kafka.common.security'

/** A value of several lines in a file of Java properties. */
const oneLine = (pem: string): string => pem.trim().replaceAll('\n', '\\n')

export const secureAddress = (port: number): string => `${name}://127.0.0.1:${port}`

export const secureProtocol = `${name}:SASL_SSL`

/** Lines of `server.properties` for the listener. */
export const secureLines = (listener: SecureListener): Record<string, string> => {
  const { cert, key, username, password } = listener
  const lines = {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.certificate.chain': oneLine(cert),
    'ssl.keystore.key': oneLine(key),
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
    'plain.sasl.jaas.config': `${security}.plain.PlainLoginModule required user_${username}="${password}";`,
    'scram-sha-512.sasl.jaas.config': `${security}.scram.ScramLoginModule required;`,
  }
  const prefix = `listener.name.${name.toLowerCase()}`
  return Object.fromEntries(
    Object.entries(lines).map(([line, value]) => [`${prefix}.${line}`, value]),
  )
}

/** What the storage of a new cluster is formatted with, so that it knows the login for SCRAM. */
export const scramArguments = ({ username, password }: SecureListener): string[] => [
  '--add-scram',
  `SCRAM-SHA-512=[name=${username},password=${password}]`,
]
