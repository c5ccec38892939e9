import { facts, fill, h, tile, toFactory, toOutside } from './dom.js';
import { follow, get, seldom } from './api.js';
import { ago, length } from './format.js';
import { charts } from './charts.js';
import { decision } from './decision.js';
import { nodeTable } from './nodes.js';
import { pilotPart } from './pilots.js';

function ended(flow) {
  const all = flow.done + flow.fault;
  const share = (n) => (all ? `${n} of ${all} (${Math.round((100 * n) / all)} %)` : '');
  return { fault: share(flow.fault), empty: share(flow.empty), unstarted: share(flow.unstarted),
    ran: all > flow.unstarted ? length((flow.seconds_ran * 1000) / (all - flow.unstarted)) : '' };
}

export async function label(main, { factory, name }) {
  document.title = `${name} - apf-monitor`;
  const about = h('section');
  const decided = h('section');
  const messages = h('section');
  const nodes = nodeTable('Nodes where its pilots fail');
  const failing = h('section', { hidden: true }, h('h2', {}, 'Failing nodes'), nodes.element);
  const pilots = pilotPart({ factory, label: name });
  const chart = charts({ factory, name });
  main.append(h('h1', {}, `Label ${name}`), about, failing, decided, chart.element, messages, h('h2', {}, 'Pilots'), pilots.element);
  let version = 0;
  const show = (l) => {
    if (l.version < version) return;
    version = l.version;
    const hour = ended(l.hour);
    const day = ended(l.day);
    fill(about, h('div', { class: 'tiles' }, tile('created', l.live.created, 'created'), tile('running', l.live.running, 'running'),
        tile('exiting', l.live.exiting, 'exiting'), tile('stale', l.live.stale, 'stale'), tile('done in 1 h', l.hour.done, 'done'),
        tile('fault in 1 h', l.hour.fault, 'fault')),
      facts([['Factory', toFactory(l.factory)], ['WMS queue', toOutside(l.links.queue, l.wms_queue)], ['Batch queue', l.batch_queue], ['Site', toOutside(l.links.site, l.site)],
        ['Cloud', l.cloud], ['Last created', ago(l.last_created)], ['Last started', ago(l.last_started)], ['Last ended', ago(l.last_ended)],
        ['Fault, last hour', hour.fault], ['Fault, last 24 h', day.fault], ['Never ran, last 24 h', day.unstarted],
        ['Empty, last hour', hour.empty], ['Empty, last 24 h', day.empty], ['Mean time that pilots ran, 24 h', day.ran]]));
    fill(decided, h('h2', {}, 'Last decision'), ...(l.messages.length
      ? [h('p', {}, ago(l.messages[0].at)), decision(l.messages[0].text)] : [h('p', { class: 'quiet' }, 'none was told')]));
    fill(messages, h('h2', {}, 'Last messages'),
      h('ul', {}, l.messages.map((m) => h('li', {}, ago(m.at), ' ', h('code', {}, m.text)))));
    failing.hidden = l.nodes.length === 0;
    nodes.show(l.nodes);
  };
  const load = async () => {
    show(await get('label', { factory, name }));
    await pilots.load();
  };
  await load();
  const again = seldom(1000, pilots.load);
  follow({ factory, label: name }, load, { label: (l) => {
    show(l);
    again();
  } });
  await chart.load();
}
