import { once } from 'node:events'
import { createServer } from 'node:net'

/** So many ports that nothing listened on a moment ago, for programs that can't be told to take any; all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0))
  const ports: number[] = []
  for (const server of servers) {
    if (!server.listening) await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('expected a port')
    ports.push(address.port)
  }
  for (const server of servers) server.close()
  return ports
}
