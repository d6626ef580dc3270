import { z } from 'zod'
import { get, HealthError, jsonOf, line, quoted, type Answer, type HealthCheck } from './check.ts'

const document = z.looseObject({
  Response: z.looseObject({
    Status: z.string(),
    Version: z.string().nullish(),
  }),
})

/**
 * Dogtag's status servlet. Tomcat answers before the subsystem does, which then says `starting`; a subsystem that could not start is HTTP 404.
 * JSON, or XML before version 11.
 */
export const dogtag: HealthCheck = {
  questions: [get('/ca/admin/ca/getStatus')],
  judge: ([answer = { status: 0, mediaType: '', text: '' }]) => {
    const { status, version } = answer.mediaType.endsWith('/xml') ? fromXml(answer) : fromJson(answer)
    if (answer.status !== 200)
      throw new HealthError('http_status', `expected HTTP 200, got ${answer.status}: ${quoted(answer.text)}`)
    const ready = status === 'running'
    return {
      ready,
      status: line(status),
      ...(version === undefined ? {} : { version: line(version) }),
      problems: ready ? [] : [line(`the subsystem is ${status}`)],
    }
  },
}

interface Said {
  readonly status: string
  readonly version: string | undefined
}

function fromJson(answer: Answer): Said {
  const parsed = document.safeParse(jsonOf(answer, "the subsystem's status"))
  if (parsed.success) {
    const { Status: status, Version: version } = parsed.data.Response
    return { status, version: version ?? undefined }
  }
  throw notUnderstood(answer)
}

/** Two elements of a flat document; nothing in it is expanded. */
function fromXml(answer: Answer): Said {
  const element = (name: string): string | undefined =>
    new RegExp(`<${name}>([^<]{1,100})</${name}>`).exec(answer.text)?.[1]
  const status = element('Status')
  if (status === undefined) throw notUnderstood(answer)
  return { status, version: element('Version') }
}

function notUnderstood({ status, text }: Answer): HealthError {
  const code = status === 200 ? 'not_a_health_answer' : 'http_status'
  return new HealthError(code, `expected the subsystem's status, got HTTP ${status}: ${quoted(text)}`)
}
