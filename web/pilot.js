import { facts, fill, h, tile, toFactory, toLabel, toNode, toOutside } from './dom.js';
import { follow, get, seldom } from './api.js';
import { ago, at, length, state } from './format.js';
import { logView } from './log.js';

function profile(node) {
  const values = Object.entries(node?.profile ?? {});
  if (values.length === 0) return '';
  return h('section', {}, h('h2', {}, 'Node'), facts(values.map(([name, value]) =>
    [name.replaceAll('_', ' '), typeof value === 'object' ? JSON.stringify(value) : String(value)])));
}

const line = (moments) => h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Time line' }, h('table', {},
  h('thead', {}, h('tr', {}, ['Time', 'After', 'State', 'Told by', 'Words'].map((title) => h('th', { scope: 'col' }, title)))),
  h('tbody', {}, moments.map((m, i) => h('tr', {}, h('td', { class: 't' }, at(m.at)),
    h('td', { class: 't' }, i ? length(Date.parse(m.at) - Date.parse(moments[i - 1].at)) : ''),
    h('td', {}, h('span', { class: m.state }, m.state)), h('td', {}, m.source), h('td', { class: 'long' }, m.text))))));

export async function pilot(main, { factory, id }) {
  document.title = `${id} - apf-monitor`;
  const body = h('section');
  const files = h('div');
  const life = h('section');
  main.append(h('h1', {}, `Pilot ${id}`), body, files, life);
  let known = '';
  let version = 0;
  const show = (p) => {
    if (p.version < version) return;
    version = p.version;
    const waited = p.created && p.running ? Date.parse(p.running) - Date.parse(p.created) : null;
    const stop = p.ended ?? p.exiting;
    fill(body, h('div', { class: 'tiles' }, tile('state', p.state, p.state), waited === null ? null : tile('waited', length(waited)),
        p.running && stop ? tile('ran', length(Date.parse(stop) - Date.parse(p.running))) : null,
        p.rc === null ? null : tile('exit code', p.rc, p.rc ? 'fault' : 'done')),
      p.reason || p.failure ? h('p', { class: 'error' }, [p.failure, p.reason].filter(Boolean).join(': ')) : null,
      facts([['State', p.held && !p.ended ? `${p.state}; held by its batch system` : state(p)], ['Factory', toFactory(p.factory)], ['Label', p.label && toLabel(p.factory, p.label)],
        ['Node', p.node && toNode(p.node)], ['Last heard', ago(p.seen)],
        ['Work', ({ had: 'had payload', empty: 'empty: found no job' })[p.work] ?? 'not told'], ['Payloads', p.payloads === null ? '' : String(p.payloads)],
        ['Payload ids', p.payload_ids && h('span', {}, p.payload_links.flatMap(({ id: one, url }, i) => [i ? ', ' : '', toOutside(url, one)]))], ['Submission', p.submission && `${p.submission}, pilot ${p.index ?? '?'}`],
        ...Object.entries(p.details)]));
    fill(life, h('h2', {}, 'Time line'), line(p.line), profile(p.node_facts));
    // What somebody reads stays as it is while the pilot goes on.
    if (JSON.stringify(p.links) === known) return;
    known = JSON.stringify(p.links);
    fill(files, Object.keys(p.links).length ? logView({ factory, id }, p.links).element : null);
  };
  const load = async () => show(await get('pilot', { factory, id }));
  await load();
  follow({ factory, pilot: id }, load, { pilot: seldom(500, load) });
}
