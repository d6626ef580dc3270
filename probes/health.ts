import type { FactsOf } from '../model/facts.ts'
import type { SystemKind } from '../model/config.ts'
import { exchange } from './fetch/http.ts'
import type { Deadline } from './fetch/deadline.ts'
import { certctl } from './health/certctl.ts'
import { HealthError, type Answer, type HealthCheck, type Question } from './health/check.ts'
import { dagster } from './health/dagster.ts'
import { dogtag } from './health/dogtag.ts'
import { ejbca, ejbcaRest } from './health/ejbca.ts'
import { asProbeError, observe, probeError, type Verdict } from './observe.ts'
import type { HealthTarget, Probe, ProbeContext } from './probe.ts'

/** Octets of an answer; real ones have at most a few thousand. */
const MAX_BODY = 64 * 1024

const CHECKS: Readonly<Record<SystemKind, HealthCheck>> = {
  ejbca,
  ejbca_rest: ejbcaRest,
  certctl,
  dagster,
  dogtag,
}

/**
 * Asks a CA server or a control plane for its health. A system that says it is not well is a failure in phase consistency, with what it says; one
 * whose answer says nothing about its health is a failure of its own. A redirect is not followed: it leads to a login, which is always well.
 */
export const probeHealth: Probe<HealthTarget> = (target, context) =>
  observe(target, context, async ({ deadline }) => {
    const check = CHECKS[target.system]
    const answers: Answer[] = []
    for (const question of check.questions) {
      const answer = await ask(question, target, { context, deadline })
      if (!answer.ok) return { facts: {}, error: asProbeError(answer.error, context.now()), artifacts: [] }
      answers.push({
        status: answer.status,
        mediaType: mediaTypeOf(answer.headers['content-type']),
        text: new TextDecoder().decode(answer.body),
      })
    }
    return judge(target, check, answers, context.now())
  })

function judge(
  { system }: HealthTarget,
  check: HealthCheck,
  answers: readonly Answer[],
  now: number,
): Verdict {
  try {
    const said = check.judge(answers, now)
    const health: FactsOf<'health'> = { system, ...said }
    const error = said.ready
      ? undefined
      : probeError(
          'consistency',
          'unhealthy',
          `expected a system that is well, got ${said.problems.join('; ')}`,
        )
    return { facts: { health }, error, artifacts: [] }
  } catch (error) {
    if (!(error instanceof HealthError)) throw error
    const phase = error.code === 'http_status' ? 'http' : 'decode'
    return { facts: {}, error: probeError(phase, error.code, error.message), artifacts: [] }
  }
}

function ask(
  { method, path, headers, body }: Question,
  { url, anchor, client }: HealthTarget,
  { context, deadline }: { readonly context: ProbeContext; readonly deadline: Deadline },
) {
  const request = {
    source: 'declared' as const,
    url: `${url.replace(/\/+$/, '')}${path}`,
    method,
    headers,
    body: body === undefined ? undefined : new TextEncoder().encode(body),
    maxBody: MAX_BODY,
    maxRedirects: 0,
    anchor,
    ...(client === undefined ? {} : { client }),
  }
  return exchange(request, deadline, context)
}

function mediaTypeOf(header = ''): string {
  return header.replace(/;.*$/s, '').trim().toLowerCase()
}
