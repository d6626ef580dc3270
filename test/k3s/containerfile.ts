// Reads the Containerfile, and takes its steps without a container engine: a stage is a folder, paths in it are below that folder.
// RUN steps see the machine's own programs instead of the base image's; `path` puts the base image's Node before them.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import { z } from 'zod'

type Step =
  | { readonly do: 'workdir'; readonly path: string }
  | { readonly do: 'run'; readonly command: string }
  | {
      readonly do: 'copy'
      readonly from: string | undefined
      readonly sources: readonly string[]
      readonly to: string
    }

export interface Stage {
  readonly image: string
  readonly name: string | undefined
  readonly steps: readonly Step[]
  readonly env: Readonly<Record<string, string>>
  readonly user: string | undefined
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
}

/** Refuses every instruction that it does not know, so that none is passed over. */
export function parseContainerfile(text: string): readonly Stage[] {
  const stages: (Stage & { steps: Step[]; env: Record<string, string> })[] = []
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')
  for (const line of lines.filter((l) => l.trim() !== '')) {
    const [, instruction = '', rest = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? []
    if (instruction === 'FROM') {
      const [, image = '', name] = /^(\S+)(?: AS (\S+))?$/.exec(rest) ?? []
      stages.push({ image, name, steps: [], env: {}, user: undefined, entrypoint: [], command: [] })
      continue
    }
    const stage = stages.at(-1)
    if (stage === undefined) throw new Error(`expected FROM first, got ${line}`)
    if (instruction === 'WORKDIR') stage.steps.push({ do: 'workdir', path: rest })
    else if (instruction === 'RUN') stage.steps.push({ do: 'run', command: rest })
    else if (instruction === 'COPY') stage.steps.push(parseCopy(rest))
    else if (instruction === 'ENV') Object.assign(stage.env, parseEnv(rest))
    else if (instruction === 'USER') Object.assign(stage, { user: rest })
    else if (instruction === 'ENTRYPOINT') Object.assign(stage, { entrypoint: parseList(rest) })
    else if (instruction === 'CMD') Object.assign(stage, { command: parseList(rest) })
    else throw new Error(`expected an instruction that this parser knows, got ${line}`)
  }
  return stages
}

function parseCopy(rest: string): Step {
  const words = rest.split(/ +/)
  const from = words[0]?.startsWith('--from=') === true ? words.shift()?.slice('--from='.length) : undefined
  const to = words.pop()
  if (to === undefined || words.some((w) => w.startsWith('--')))
    throw new Error(`expected COPY [--from=STAGE] SOURCE… TO, got ${rest}`)
  return { do: 'copy', from, sources: words, to }
}

function parseEnv(rest: string): Record<string, string> {
  const [, name, value] = /^([A-Z_]+)=(\S+)$/.exec(rest) ?? []
  if (name === undefined || value === undefined) throw new Error(`expected ENV NAME=VALUE, got ${rest}`)
  return { [name]: value }
}

function parseList(rest: string): readonly string[] {
  return z.array(z.string()).parse(JSON.parse(rest))
}

/** What the engine sends to the build: of the ignore file only `*`, then `!NAME` at the top level, is understood. */
export function buildContext(tree: string): readonly string[] {
  const [first, ...rest] = readFileSync(join(tree, '.containerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (first !== '*' || rest.some((line) => !/^![^/*]+$/.test(line)))
    throw new Error('expected * and then !NAME alone in .containerignore')
  return rest.map((line) => line.slice(1))
}

/** Takes the steps of all stages below `directory`; returns the last stage's folder, which is the image. */
export function buildStages(
  stages: readonly Stage[],
  { tree, directory, path }: { tree: string; directory: string; path: string },
): string {
  const context = join(directory, 'context')
  mkdirSync(context)
  for (const name of buildContext(tree)) cpSync(join(tree, name), join(context, name), { recursive: true })
  const roots = new Map<string, string>()
  let root = ''
  stages.forEach((stage, i) => {
    root = join(directory, `stage-${i}`)
    mkdirSync(root)
    if (stage.name !== undefined) roots.set(stage.name, root)
    let cwd = '/'
    for (const step of stage.steps) {
      if (step.do === 'workdir') {
        cwd = posix.resolve(cwd, step.path)
        mkdirSync(join(root, cwd), { recursive: true })
      } else if (step.do === 'run') run(step.command, join(root, cwd), { ...stage.env, PATH: path })
      else {
        const from = step.from === undefined ? context : roots.get(step.from)
        if (from === undefined) throw new Error(`expected an earlier stage, got ${step.from ?? ''}`)
        for (const source of step.sources) copy(join(from, source), join(root, posix.resolve(cwd, step.to)))
      }
    }
  })
  return root
}

/** As COPY does it: a folder's content, a file into the folder. */
function copy(source: string, to: string): void {
  mkdirSync(to, { recursive: true })
  const names = statSync(source).isDirectory() ? readdirSync(source).map((n) => join(source, n)) : [source]
  for (const name of names)
    cpSync(name, join(to, basename(name)), { recursive: true, verbatimSymlinks: true })
}

function run(command: string, cwd: string, env: Record<string, string>): void {
  const { status, stdout, stderr } = spawnSync('nice', ['sh', '-c', command], {
    cwd,
    // HOME and npm's own settings stay: they say how this machine gets its packages.
    env: { ...process.env, ...env },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`RUN ${command}: ${status ?? 'killed'}\n${stdout}${stderr}`)
}
