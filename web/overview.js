// Rows of factories and labels, kept up to date, as the overview and a factory's page show them.
import { h, spark, toFactory, toLabel } from './dom.js';
import { follow, get, seldom } from './api.js';
import { shortly } from './decision.js';
import { age, ago, count } from './format.js';
import { Table } from './table.js';

export const silence = (row) => (age(row.seen) > 3600e3 ? 'bad' : age(row.seen) > 1200e3 ? 'warn' : '');
const numbers = (title, of, kind) => ({ title, value: of, sum: of, kind: 'n', cell: (row) => count(of(row), kind) });
const time = (iso) => (iso ? Date.parse(iso) : -Infinity);

export const factoryTable = () => new Table('Factories', [
  { title: 'Factory', value: (f) => f.name, cell: (f) => toFactory(f.name) },
  { title: 'Version', value: (f) => [f.type, f.version].filter(Boolean).join(' ') },
  { title: 'Last heard', value: (f) => time(f.seen), cell: (f) => ago(f.seen), kind: 't' },
  { title: 'Last cycle', value: (f) => time(f.last_cycle), cell: (f) => ago(f.last_cycle), kind: 't' },
  { title: 'Created in 2 h', value: (f) => f.recent.reduce((a, b) => a + b, 0), cell: (f) => spark(f.recent) },
  { title: 'Labels', value: (f) => f.labels, kind: 'n' },
  numbers('Created', (f) => f.live.created, 'created'),
  numbers('Running', (f) => f.live.running, 'running'),
  numbers('Fault 1 h', (f) => f.hour.fault, 'fault'),
], { key: (f) => f.name, mark: silence, empty: 'No factory has reported yet. The help page says how to make one report.' });

export const labelTable = (withFactory) => new Table('Labels', [
  { title: 'Label', value: (l) => l.name, cell: (l) => toLabel(l.factory, l.name) },
  numbers('Created', (l) => l.live.created, 'created'),
  numbers('Running', (l) => l.live.running, 'running'),
  numbers('Exiting', (l) => l.live.exiting, 'exiting'),
  numbers('Stale', (l) => l.live.stale, 'stale'),
  numbers('Done 1 h', (l) => l.hour.done, 'done'),
  numbers('Fault 1 h', (l) => l.hour.fault, 'fault'),
  ...(withFactory ? [{ title: 'Factory', value: (l) => l.factory, cell: (l) => toFactory(l.factory) }] : []),
  { title: 'Last heard', value: (l) => time(l.seen), cell: (l) => ago(l.seen), kind: 't' },
  { title: 'Last message', value: (l) => shortly(l.message?.text ?? ''), kind: 'long' },
], { key: (l) => `${l.factory}\n${l.name}`, mark: (l) => (l.hour.fault > 0 && l.hour.fault * 2 >= l.hour.done + l.hour.fault
  && l.hour.fault >= 5 ? 'bad' : ''), empty: 'no labels' });

const matches = (l, words) => {
  const text = [l.name, l.factory, l.wms_queue, l.batch_queue, l.site, l.cloud, l.message?.text].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
};

const groups = { '': undefined, factory: (l) => l.factory, 'WMS queue': (l) => l.wms_queue, 'batch queue': (l) => l.batch_queue,
  site: (l) => l.site, cloud: (l) => l.cloud };

// Calls shown(model) after each change; model: {factories: Map, labels: Map, pilots}.
export async function liveOverview(query, shown) {
  const model = { version: 0, factories: new Map(), labels: new Map(), pilots: 0 };
  const take = (data) => {
    if (data.version < model.version) return;
    model.version = data.version;
    model.pilots = data.pilots;
    for (const f of data.factories) model.factories.set(f.name, f);
    for (const l of data.labels) model.labels.set(`${l.factory}\n${l.name}`, l);
    shown(model);
  };
  const load = async () => {
    const data = await get('overview', query);
    if (data.version >= model.version) {
      model.factories.clear();
      model.labels.clear();
    }
    take(data);
  };
  await load();
  follow(query, load, { overview: take });
}

// The table of labels with its filter and groups; both stay in the address, so that a link shows the same.
export function labelPart(withFactory) {
  const table = labelTable(withFactory);
  const address = new URL(location.href);
  const words = h('input', { type: 'search', id: 'filter', value: address.searchParams.get('filter') ?? '' });
  const group = h('select', { id: 'group' }, Object.keys(groups).filter((name) => withFactory || name !== 'factory')
    .map((name) => h('option', { value: name, selected: name === address.searchParams.get('group') }, name || 'nothing')));
  let rows = [];
  const draw = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    table.group = groups[group.value];
    table.show(rows.filter((l) => matches(l, wanted)));
    for (const [name, field] of [['filter', words], ['group', group]]) {
      if (field.value) address.searchParams.set(name, field.value);
      else address.searchParams.delete(name);
    }
    history.replaceState(null, '', address);
  };
  words.addEventListener('input', seldom(150, draw));
  group.addEventListener('change', draw);
  return {
    element: h('section', {}, h('div', { class: 'controls' }, h('label', { for: 'filter' }, 'Only labels with '), words,
      h('label', { for: 'group' }, 'Group by '), group), table.element),
    show(labels) {
      rows = labels;
      draw();
    },
  };
}
