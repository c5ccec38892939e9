// Asking the server, and hearing of changes.
import { clockIs } from './format.js';

export async function get(path, query = {}) {
  const response = await fetch(`/api/v1/${path}?${new URLSearchParams(query)}`, { headers: { Accept: 'application/json' } });
  const answer = await response.json().catch(() => ({}));
  // With what the server says of it: what, code, advice, url.
  if (!response.ok) throw Object.assign(new Error(answer.error?.what ?? `the server answered ${response.status}`), answer.error);
  clockIs(answer.at);
  return answer;
}

// Calls load() when the stream begins and whenever it begins anew, and on[kind](data) for each event after that.
// What an event says is older than what load() brought is left out by the views, by its version.
export function follow(query, load, on) {
  const shown = document.getElementById('live');
  const say = (text, off) => {
    shown.textContent = text;
    shown.classList.toggle('off', off);
  };
  const source = new EventSource(`/api/v1/events?${new URLSearchParams(query)}`);
  source.addEventListener('hello', () => {
    say('live', false);
    load();
  });
  source.onerror = () => {
    say('not connected: trying again', true);
    // A browser gives up on an answer that is no stream (503: too many pages are open).
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow(query, load, on), 20000 + Math.random() * 20000);
  };
  for (const [kind, take] of Object.entries(on)) {
    source.addEventListener(kind, (event) => {
      const data = JSON.parse(event.data);
      clockIs(data.at);
      take(data);
    });
  }
}

// At most one call each `ms`, the last one always; a little chance, so that open pages do not all ask at once.
export function seldom(ms, call) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      call();
    }, ms * (0.2 + 0.8 * Math.random()));
  };
}
