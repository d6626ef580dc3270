import { z } from 'zod'
import { duration } from './configTypes.ts'

// Where CRLs of an authority are and when they are issued, as they stand in vigil.yaml.

/** Partitions of one list. CAs make up to some hundred; each is a target that is probed on its own. */
const MAX_PARTITIONS = 1000
/** Addresses of one CRL beside the first. */
const MAX_COPIES = 8

const PLACEHOLDER = '{partition}'

const schedule = {
  /** Longest time from one CRL to the next. */
  issued_every: duration.optional(),
  /** Or when they are issued: a cron expression, */
  issued_at: z.string().min(1).max(100).optional(),
  /** in this IANA time zone. Default: UTC. */
  timezone: z.string().optional(),
}

interface Schedule {
  readonly issued_every?: number | undefined
  readonly issued_at?: string | undefined
  readonly timezone?: string | undefined
}

const hasOneSchedule = ({ issued_every, issued_at }: Schedule): boolean =>
  issued_every === undefined || issued_at === undefined
const ONE_SCHEDULE = 'expected either issued_every or issued_at'
const hasUseOfTimezone = ({ issued_at, timezone }: Schedule): boolean =>
  timezone === undefined || issued_at !== undefined
const USE_OF_TIMEZONE = 'expected timezone only with issued_at'

/** `0-127` stands for these numbers, anything else for itself. */
const partitionNames = z
  .array(
    z
      .string()
      .regex(
        /^[A-Za-z0-9._-]{1,64}$/,
        'expected names such as 7 or north, or ranges of numbers such as 0-127',
      ),
  )
  .min(1)
  .max(MAX_PARTITIONS)
  .transform((names, context) => {
    const all = names.flatMap((name) => {
      const [from, to] = /^(\d{1,9})-(\d{1,9})$/.exec(name)?.slice(1).map(Number) ?? []
      if (from === undefined || to === undefined) return [name]
      return Array.from({ length: Math.min(Math.max(to - from + 1, 0), MAX_PARTITIONS + 1) }, (_, i) =>
        String(from + i),
      )
    })
    const partitions = [...new Set(all)]
    if (partitions.length >= 1 && partitions.length <= MAX_PARTITIONS) return partitions
    context.addIssue({ code: 'custom', message: `expected 1 to ${MAX_PARTITIONS} partitions` })
    return z.NEVER
  })

/** How many there are, numbered from 1, or their names. */
const partitions = z.union([
  z
    .int()
    .min(1)
    .max(MAX_PARTITIONS)
    .transform((count) => Array.from({ length: count }, (_, i) => String(i + 1))),
  partitionNames,
])

/** `url` is how an address is written. */
export function crlSourceSchema(url: z.ZodType<string, string>) {
  return z
    .strictObject({
      /** With `{partition}` where there are several. */
      url,
      /** Further addresses of the same CRL. */
      copies: z.array(url).max(MAX_COPIES).optional(),
      partitions: partitions.optional(),
      ...schedule,
      /** Its delta CRL. */
      delta: z
        .strictObject({ url, ...schedule })
        .refine(hasOneSchedule, ONE_SCHEDULE)
        .refine(hasUseOfTimezone, USE_OF_TIMEZONE)
        .optional(),
    })
    .refine(hasOneSchedule, ONE_SCHEDULE)
    .refine(hasUseOfTimezone, USE_OF_TIMEZONE)
    .refine(
      ({ url: first, copies = [], delta, partitions: several }) =>
        [first, ...copies, ...(delta === undefined ? [] : [delta.url])].every(
          (address) => address.includes(PLACEHOLDER) === (several !== undefined),
        ),
      `expected ${PLACEHOLDER} in every URL where partitions are declared, and nowhere else`,
    )
}
