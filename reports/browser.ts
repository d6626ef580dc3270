import { accessSync, constants, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Browser, LaunchOptions } from 'puppeteer'
import { messageOf } from '../model/thrown.ts'
import { ReportError } from './error.ts'

/** Names of a Chromium that systems install, in the order in which they are tried. */
const SYSTEM_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'] as const

/** From the start of the process to its first answer: a cold disk, or a machine that is busy. */
const LAUNCH_TIMEOUT_MS = 60_000
/** Unpacking the browser, 65 MB of brotli, takes 2 to 5 s; the font takes none. */
const UNPACK_TIMEOUT_MS = 60_000
/** An orderly end; after that the process is killed. */
const CLOSE_TIMEOUT_MS = 5_000

export interface BrowserOptions {
  /** Executable to use, and no other. Default: VIGIL_CHROMIUM in `env`. */
  readonly executable?: string
  /** Environment that is searched: PATH, VIGIL_CHROMIUM. Default: the process's. */
  readonly env?: NodeJS.ProcessEnv
  /** Which places are searched. Default: system, then packaged. */
  readonly search?: readonly ('system' | 'packaged')[]
}

interface Candidate {
  readonly name: string
  /** May unpack it into the private directory. */
  readonly prepare: (directory: string) => Promise<LaunchOptions>
}

/**
 * Starts a browser, lends it to `use`, and ends it and removes everything that it wrote, whatever happens.
 * Throws ReportError: no_browser when none is found or none starts (the message says why for each).
 */
export async function withBrowser<T>(
  options: BrowserOptions,
  use: (browser: Browser) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-pdf-'))
  try {
    const browser = await start(options, directory)
    try {
      return await use(browser)
    } finally {
      await end(browser)
    }
  } finally {
    // The browser's last writes may race with the removal.
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}

async function start(options: BrowserOptions, directory: string): Promise<Browser> {
  const env = options.env ?? process.env
  const candidates = findCandidates(options, env)
  const { launch } = await import('puppeteer')
  const fonts = await makeFontConfig(directory).catch(() => undefined)
  const reasons: string[] = []
  for (const { name, prepare } of candidates) {
    try {
      const prepared = await prepare(directory)
      const launchOptions = baseOptions(env, directory, fonts, prepared)
      try {
        return await launch(launchOptions)
      } catch (error) {
        // A container may forbid user namespaces in ways that no file tells. What is rendered is ours, without
        // scripts and without network.
        if (!/sandbox/i.test(String(error)) || launchOptions.args?.includes('--no-sandbox') === true)
          throw error
        return await launch({ ...launchOptions, args: [...(launchOptions.args ?? []), '--no-sandbox'] })
      }
    } catch (error) {
      reasons.push(`${name}: ${firstLine(error)}`)
    }
  }
  throw new ReportError('no_browser', `no browser for the PDF: ${reasons.join('; ')}`)
}

function findCandidates(options: BrowserOptions, env: NodeJS.ProcessEnv): Candidate[] {
  const named = options.executable ?? env['VIGIL_CHROMIUM']
  if (named !== undefined && named !== '')
    return [{ name: named, prepare: () => Promise.resolve(given(named)) }]
  const search = options.search ?? ['system', 'packaged']
  const candidates: Candidate[] = []
  if (search.includes('system')) {
    const found = SYSTEM_NAMES.map((name) => onPath(name, env)).find((path) => path !== undefined)
    if (found !== undefined) candidates.push({ name: found, prepare: () => Promise.resolve(given(found)) })
    else
      candidates.push({
        name: 'system',
        prepare: () => Promise.reject(new Error(`none of ${SYSTEM_NAMES.join(', ')} is on PATH`)),
      })
  }
  if (search.includes('packaged')) candidates.push({ name: '@sparticuz/chromium', prepare: packaged })
  return candidates
}

function given(executablePath: string): LaunchOptions {
  return { executablePath, headless: true }
}

function onPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  for (const directory of (env['PATH'] ?? '').split(delimiter)) {
    // A relative entry would mean whatever directory vigil was started in.
    if (!isAbsolute(directory)) continue
    const path = join(directory, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      continue
    }
  }
  return undefined
}

/** The browser that comes as a package, with the libraries that a bare system lacks. */
async function packaged(directory: string): Promise<LaunchOptions> {
  const executablePath = await unpack('browser', directory)
  return { executablePath, headless: 'shell', env: { LD_LIBRARY_PATH: join(directory, 'al2023', 'lib') } }
}

/**
 * Unpacks a part of the package into the private directory. The package unpacks to os.tmpdir() and executes what it finds
 * there under its name, so it runs in a worker whose TMPDIR is that directory.
 */
async function unpack(what: 'browser' | 'fonts', directory: string): Promise<string> {
  // Sources run as they are, the published package holds .js.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`unpackChromium.${extension}`, import.meta.url), {
    env: { ...process.env, TMPDIR: directory },
    workerData: what,
  })
  return new Promise<string>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`not unpacked within ${UNPACK_TIMEOUT_MS} ms`)),
      UNPACK_TIMEOUT_MS,
    )
    worker.once('message', (path: unknown) => resolve(String(path)))
    worker.once('error', reject)
    worker.once('exit', () => {
      clearTimeout(timer)
      reject(new Error('the unpacker ended without a result'))
    })
  }).finally(() => worker.terminate())
}

/**
 * Makes the package's font (Open Sans) known beside those of the system: reports look alike everywhere, and a system
 * without any font does not give pages without any text. Returns the file that says so to fontconfig.
 */
async function makeFontConfig(directory: string): Promise<string> {
  const fonts = await unpack('fonts', directory)
  const file = join(directory, 'fonts.conf')
  await writeFile(
    file,
    `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>${xmlText(fonts)}</dir>
  <cachedir>${xmlText(join(directory, 'font-cache'))}</cachedir>
</fontconfig>
`,
  )
  return file
}

function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function baseOptions(
  env: NodeJS.ProcessEnv,
  directory: string,
  fonts: string | undefined,
  prepared: LaunchOptions,
): LaunchOptions {
  return {
    ...prepared,
    // A pipe, not a port on which anybody could drive the browser.
    pipe: true,
    userDataDir: join(directory, 'profile'),
    timeout: LAUNCH_TIMEOUT_MS,
    protocolTimeout: LAUNCH_TIMEOUT_MS * 2,
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    // Nothing of ours: no secrets in variables, no settings of the user.
    env: {
      PATH: env['PATH'],
      HOME: directory,
      TMPDIR: directory,
      LANG: 'C.UTF-8',
      TZ: 'UTC',
      ...(fonts === undefined ? {} : { FONTCONFIG_FILE: fonts }),
      ...prepared.env,
    },
    args: [
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--font-render-hinting=none',
      '--host-resolver-rules=MAP * ~NOTFOUND',
      ...(sandboxPossible() ? [] : ['--no-sandbox']),
    ],
  }
}

/** Chromium's sandbox refuses root, and needs user namespaces. */
function sandboxPossible(): boolean {
  if (process.platform !== 'linux') return true
  if (process.getuid?.() === 0) return false
  const is = (file: string, value: string) => {
    try {
      return readFileSync(`/proc/sys/${file}`, 'utf8').trim() === value
    } catch {
      return false
    }
  }
  return !is('kernel/unprivileged_userns_clone', '0') && !is('user/max_user_namespaces', '0')
}

async function end(browser: Browser): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      browser.process()?.kill('SIGKILL')
      resolve()
    }, CLOSE_TIMEOUT_MS)
  })
  try {
    await Promise.race([browser.close(), late])
  } catch {
    browser.process()?.kill('SIGKILL')
  } finally {
    clearTimeout(timer)
  }
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n')[0]?.slice(0, 300) ?? ''
}
