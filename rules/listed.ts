/** Subjects named in a message before the rest is counted. */
const MAX_LISTED = 10

export function listed(subjects: readonly string[]): string {
  const more = subjects.length - MAX_LISTED
  return `${subjects.slice(0, MAX_LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
