import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { startLab, type Lab } from '../lab/lab.ts'
import { writeVigilYaml } from '../lab/vigilYaml.ts'

const configuration = z.looseObject({
  inventory: z.looseObject({
    authorities: z.array(
      z.looseObject({ crl: z.array(z.unknown()).default([]), ocsp: z.array(z.unknown()).default([]) }),
    ),
    services: z.array(z.looseObject({})),
  }),
})

/** A lab, and a vigil.yaml that declares its services again and again under other names: with its CRLs and OCSP responders there are so many. */
export async function labOfManyServices(
  directory: string,
  targets: number,
): Promise<{ readonly lab: Lab; readonly file: string }> {
  const lab = await startLab({ directory: join(directory, 'lab'), now: Date.now })
  const file = await writeVigilYaml(lab, {
    directory,
    origin: 'vigil.bench',
    server: { listen: '127.0.0.1:0' },
  })
  const config = configuration.parse(parse(readFileSync(file, 'utf8')))
  const { services, authorities } = config.inventory
  const others = authorities.reduce((n, { crl, ocsp }) => n + crl.length + ocsp.length, 0)
  config.inventory.services = Array.from({ length: targets - others }, (_, i) => ({
    ...services[i % services.length],
    id: `service-${i}`,
  }))
  writeFileSync(file, stringify(config, { aliasDuplicateObjects: false }))
  return { lab, file }
}
