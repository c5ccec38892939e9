import { facts, fill, h, tile, toLabel } from './dom.js';
import { follow, get, seldom } from './api.js';
import { ago } from './format.js';
import { nodeTable } from './nodes.js';
import { pilotTable } from './pilots.js';

async function all(main) {
  const table = nodeTable('Nodes, the worst first');
  main.append(h('h1', {}, 'Nodes'), table.element);
  const load = async () => table.show((await get('nodes')).nodes);
  await load();
  follow({}, load, { overview: seldom(2000, load) });
}

export async function node(main, { name }) {
  if (!name) return all(main);
  document.title = `${name} - apf-monitor`;
  const about = h('section');
  const pilots = pilotTable('Its last pilots');
  main.append(h('h1', {}, `Node ${name}`), about, pilots.element);
  let version = 0;
  const show = (n) => {
    if (n.version < version) return;
    version = n.version;
    fill(about, n.fault_run >= 3 ? h('p', { class: 'error' }, `The last ${n.fault_run} pilots here failed: ${[n.last_failure, n.last_reason].filter(Boolean).join(': ')}`) : '',
      h('div', { class: 'tiles' }, tile('running', n.running, 'running'), tile('done in 1 h', n.hour.done, 'done'),
        tile('fault in 1 h', n.hour.fault, 'fault'), tile('done in 24 h', n.day.done, 'done'), tile('fault in 24 h', n.day.fault, 'fault')),
      facts([['Last heard', ago(n.seen)], ['First heard', ago(n.made)], ['Last failure', [n.last_failure, n.last_reason].filter(Boolean).join(': ')],
        ['Labels', h('span', {}, n.labels.flatMap((l, i) => [i ? ', ' : '', toLabel(l.factory, l.name)]))],
        ...Object.entries(n.profile ?? {}).map(([key, value]) => [key.replaceAll('_', ' '), typeof value === 'object' ? JSON.stringify(value) : String(value)])]));
  };
  const load = async () => {
    show(await get('node', { name }));
    pilots.show((await get('pilots', { node: name })).pilots);
  };
  await load();
  follow({ node: name }, load, { node: seldom(800, load) });
}
