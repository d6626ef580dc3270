import { z } from 'zod'
import { bounded, get, HealthError, jsonOf, line, plainLines, quoted, type HealthCheck } from './check.ts'

/** `healthcheck.okmessage`. */
const OK_MESSAGE = 'ALLOK'

/**
 * EJBCA's health page. The text counts, not the status: with `healthcheck.sendservererror=false` a CA whose token is off answers 200. Only CAs
 * that are active and marked for the check are looked at, and only addresses in `healthcheck.authorizedips` get an answer.
 */
export const ejbca: HealthCheck = {
  questions: [get('/ejbca/publicweb/healthcheck/ejbcahealth')],
  judge: ([answer]) => {
    const { status = 0, text = '' } = answer ?? {}
    const lines = plainLines(text)
    if (status === 200 && lines.length === 1 && lines[0] === OK_MESSAGE)
      return { ready: true, status: OK_MESSAGE, problems: [] }
    if (status === 401 || status === 403) {
      const message = `expected this address to be in EJBCA's healthcheck.authorizedips, got HTTP ${status}`
      throw new HealthError('http_status', message)
    }
    if (status !== 200 && status !== 500)
      throw new HealthError('http_status', `expected HTTP 200 or 500, got ${status}: ${quoted(text)}`)
    if (lines.length === 0)
      throw new HealthError('not_a_health_answer', `expected ${OK_MESSAGE} or what is wrong, got nothing`)
    const isMaintenance = lines.some((one) => one.startsWith('MAINT:'))
    return { ready: false, status: isMaintenance ? 'maintenance' : 'error', problems: bounded(lines) }
  },
}

const status = z.looseObject({ status: z.string(), revision: z.string().optional() })
const refusal = z.looseObject({ error_message: z.string() })

/** EJBCA's REST API: that it is switched on and answers. It says nothing about the CAs. */
export const ejbcaRest: HealthCheck = {
  questions: [get('/ejbca/ejbca-rest-api/v1/certificate/status')],
  judge: ([answer]) => {
    const body = jsonOf(answer ?? { status: 0, mediaType: '', text: '' }, 'the status of the REST API')
    const parsed = status.safeParse(body)
    if (answer?.status !== 200 || !parsed.success) {
      const refused = refusal.safeParse(body)
      const why = refused.success ? line(refused.data.error_message) : 'something else'
      const message = `expected the status of the REST API, got HTTP ${answer?.status ?? 0}: ${why}`
      throw new HealthError(answer?.status === 200 ? 'not_a_health_answer' : 'http_status', message)
    }
    const { revision } = parsed.data
    const said = line(parsed.data.status)
    const ready = said === 'OK'
    return {
      ready,
      status: said,
      ...(revision === undefined ? {} : { version: line(revision) }),
      problems: ready ? [] : [`status is ${said}`],
    }
  },
}
