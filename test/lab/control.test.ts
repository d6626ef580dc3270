import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { request } from 'undici'
import { labRequest } from '../../lab/client.ts'
import { LabError, type LabErrorCode } from '../../lab/error.ts'
import { FAULTS } from '../../lab/faults/table.ts'
import { readState, userStateFile } from '../../lab/state.ts'
import { temporaryDirectory, testLab } from './support.ts'

const refused = (code: LabErrorCode) => (error: unknown) => error instanceof LabError && error.code === code

test('a client with the state file sees the lab, breaks it and repairs it', async (t) => {
  const { lab } = await testLab(t)
  const state = await readState(lab.stateFile)
  const status = await labRequest(state, { command: 'status' })
  assert.deepEqual(status.authorities, ['issuing-1', 'issuing-2', 'issuing-3', 'devices'])
  assert.deepEqual(status.services, ['shop', 'payments', 'mail-gateway', 'internal-api'])
  assert.deepEqual(
    status.faults.map(({ id }) => id),
    FAULTS.map(({ id }) => id),
  )
  const fault = { fault: 'wrong-certificate', target: 'shop' }
  const broken = await labRequest(state, { command: 'break', ...fault })
  assert.deepEqual(broken.active, [...lab.faults()])
  assert.equal(broken.active.length, 1)
  const repaired = await labRequest(state, { command: 'repair', ...fault })
  assert.deepEqual(repaired.active, [])
})

test("the lab's refusals reach the client as they are", async (t) => {
  const { lab } = await testLab(t)
  const state = await readState(lab.stateFile)
  const order = (fault: string, target: string) => labRequest(state, { command: 'break', fault, target })
  await assert.rejects(order('meteor', 'shop'), refused('unknown_fault'))
  await assert.rejects(order('crl-stale', 'issuing-9'), refused('unknown_target'))
  await order('cert-near-expiry', 'shop')
  await assert.rejects(order('wrong-certificate', 'shop'), refused('conflict'))
})

test('nothing is done without the token', async (t) => {
  const { lab } = await testLab(t)
  const { url, token } = await readState(lab.stateFile)
  const post = async (path: string, authorization: string | undefined, body: string) =>
    (
      await request(`${url}${path}`, {
        method: 'POST',
        headers: authorization === undefined ? {} : { authorization },
        body,
        reset: true,
      })
    ).statusCode
  const order = JSON.stringify({ fault: 'ocsp-down', target: 'issuing-1' })
  assert.equal(await post('/break', undefined, order), 401)
  assert.equal(await post('/break', `Bearer ${token}x`, order), 401)
  assert.equal(await post('/break', 'Bearer', order), 401)
  assert.deepEqual(lab.faults(), [])
  const good = `Bearer ${token}`
  assert.equal(await post('/break', good, '{'), 400)
  assert.equal(await post('/break', good, '{"fault":"ocsp-down"}'), 400)
  assert.equal(await post('/break', good, 'x'.repeat(5000)), 413)
  assert.equal(await post('/other', good, order), 404)
  assert.deepEqual(lab.faults(), [])
})

test('the state files are private, and gone when the lab is', async (t) => {
  const userFile = join(temporaryDirectory(t), 'state', 'lab.json')
  const { lab } = await testLab(t, { userStateFile: userFile })
  for (const file of [lab.stateFile, userFile]) {
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.equal((await readState(file)).directory, lab.directory)
  }
  const state = await readState(userFile)
  await lab.close()
  assert.equal(existsSync(lab.stateFile), false)
  assert.equal(existsSync(userFile), false)
  await assert.rejects(labRequest(state, { command: 'status' }), refused('not_running'))
})

test("a lab that ends leaves a later lab's state file alone", async (t) => {
  const userFile = join(temporaryDirectory(t), 'lab.json')
  const first = await testLab(t, { userStateFile: userFile })
  const second = await testLab(t, { userStateFile: userFile })
  await first.lab.close()
  assert.equal((await readState(userFile)).directory, second.lab.directory)
})

test('a state file that is not ours is refused', async (t) => {
  const file = join(temporaryDirectory(t), 'lab.json')
  await assert.rejects(readState(file), refused('not_running'))
  const good = {
    version: 1,
    url: 'http://127.0.0.1:9',
    token: 'x'.repeat(43),
    directory: '/lab',
    pid: 1,
  }
  const write = (text: string) => writeFileSync(file, text, { mode: 0o600 })
  write('not JSON')
  await assert.rejects(readState(file), refused('bad_state_file'))
  write(JSON.stringify({ ...good, url: 'http://attacker.example:80' }))
  await assert.rejects(readState(file), refused('bad_state_file'))
  write(JSON.stringify(good))
  assert.deepEqual(await readState(file), good)
  chmodSync(file, 0o644)
  await assert.rejects(readState(file), refused('bad_state_file'))
})

test("the user's state file follows XDG_STATE_HOME", () => {
  assert.equal(userStateFile({ XDG_STATE_HOME: '/state' }), join('/state', 'pki-vigil', 'lab.json'))
  assert.match(userStateFile({}), /\.local.state.pki-vigil.lab\.json$/)
})

test('two labs in a row, and one that cannot start, leave a process that ends by itself', (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'file'), '')
  const script = `
    import { startLab } from ${JSON.stringify(new URL('../../lab/lab.ts', import.meta.url).href)}
    const options = { directory: ${JSON.stringify(directory)}, now: Date.now }
    for (let round = 0; round < 2; round += 1) {
      const lab = await startLab(options)
      await lab.break('ocsp-down', 'issuing-1')
      await lab.close()
      await lab.close()
    }
    const userStateFile = ${JSON.stringify(join(directory, 'file', 'lab.json'))}
    await startLab({ ...options, userStateFile }).catch((error) => console.log(error.code))
  `
  const args = ['--input-type=module', '--eval', script]
  const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 })
  assert.equal(child.stderr, '')
  assert.match(child.stdout, /^(EEXIST|ENOTDIR)\n$/)
  assert.equal(child.status, 0)
  assert.equal(existsSync(join(directory, 'lab.json')), false)
  assert.match(readFileSync(join(directory, 'audit.log'), 'utf8'), /EJBCA_STARTING[^]*EJBCA_STARTING/)
})
