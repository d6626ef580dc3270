/** Characters of a URL that is written into a configuration. */
const MAX_URL = 2000

/**
 * A URL of a certificate that may be asked, and stand in vigil.yaml: http or https, without user and password. Not one with `${`, which vigil.yaml would replace
 * by a variable of the environment. undefined: it may not.
 */
export function usableUrl(text: string): string | undefined {
  if (text.length > MAX_URL || !URL.canParse(text)) return undefined
  const { protocol, username, password, href } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:') return undefined
  if (username !== '' || password !== '') return undefined
  // As it stands in the certificate, where it can: rules compare it with that.
  const written = /^[\x21-\x7e]+$/.test(text) ? text : href
  return written.includes('${') ? undefined : written
}
