// Keeps the page current: on each event of the server, and once in a while for the relative times, the page is fetched again and
// what is marked data-live is brought to its new state in place, so that focus, open details and scroll position stay.
const EVERY = 30_000
const live = document.getElementById('live')
let running = false
let again = false

async function refresh() {
  if (running) {
    again = true
    return
  }
  running = true
  try {
    const response = await fetch(location.href, { headers: { Accept: 'text/html' } })
    if (!response.ok) throw new Error(`status ${response.status}`)
    const fresh = new DOMParser().parseFromString(await response.text(), 'text/html')
    for (const part of document.querySelectorAll('[data-live]')) {
      const now = fresh.getElementById(part.id)
      if (now) morph(part, now)
    }
    document.title = fresh.title
    say('live', '● live,')
  } catch {
    say('lost', '○ connection lost, shown')
  }
  running = false
  if (again) {
    again = false
    void refresh()
  }
}

function say(state, text) {
  if (live.className === state) return
  live.className = state
  live.textContent = text
}

function morph(from, to) {
  if (from.isEqualNode(to)) return
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) {
    from.replaceWith(to.cloneNode(true))
    return
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    from.nodeValue = to.nodeValue
    return
  }
  for (const { name } of [...from.attributes])
    if (!to.hasAttribute(name) && !(from.nodeName === 'DETAILS' && name === 'open'))
      from.removeAttribute(name)
  for (const { name, value } of to.attributes)
    if (from.getAttribute(name) !== value) from.setAttribute(name, value)
  // Rows are known by their key, so that a new one does not take over what was opened in another.
  const keyed = new Map([...from.children].filter((c) => c.dataset.key).map((c) => [c.dataset.key, c]))
  let place = from.firstChild
  for (const child of to.childNodes) {
    const key = child.nodeType === Node.ELEMENT_NODE ? child.dataset.key : undefined
    const match = key ? keyed.get(key) : place
    if (!match || (!key && match.dataset?.key)) {
      from.insertBefore(child.cloneNode(true), place)
      continue
    }
    if (match === place) place = place.nextSibling
    else from.insertBefore(match, place)
    morph(match, child)
  }
  while (place) {
    const next = place.nextSibling
    place.remove()
    place = next
  }
}

const events = new EventSource('/events')
events.addEventListener('open', () => void refresh())
events.addEventListener('change', () => void refresh())
events.addEventListener('error', () => say('lost', '○ connection lost, shown'))
setInterval(() => {
  if (!document.hidden) void refresh()
}, EVERY)
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void refresh()
})
