import { hostname, userInfo } from 'node:os'

/** Who acts, for the journal: `user@host`; the uid where it has no name, as in most containers. */
export function currentUser(): string {
  return `${userName()}@${hostname()}`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
