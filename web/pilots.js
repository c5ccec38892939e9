// A list of pilots, newest first, by state, in pages.
import { h, toNode, toPilot } from './dom.js';
import { get } from './api.js';
import { ago, length, state } from './format.js';
import { Table } from './table.js';

const time = (iso) => (iso ? Date.parse(iso) : -Infinity);
export const ran = (p) => (p.running && (p.ended ?? p.exiting) ? Date.parse(p.ended ?? p.exiting) - Date.parse(p.running) : null);

export function pilotTable(caption) {
  return new Table(caption, [
    { title: 'Pilot', value: (p) => p.id, cell: (p) => toPilot(p.factory, p.id) },
    { title: 'State', value: (p) => p.state, cell: state },
    { title: 'Created', value: (p) => time(p.created), cell: (p) => ago(p.created), kind: 't' },
    { title: 'Waited', value: (p) => (p.running && p.created ? time(p.running) - time(p.created) : null), kind: 'n',
      cell: (p) => (p.running && p.created ? length(time(p.running) - time(p.created)) : '') },
    { title: 'Ran', value: ran, kind: 'n', cell: (p) => (ran(p) === null ? '' : length(ran(p))) },
    { title: 'Work', value: (p) => p.work, cell: (p) => ({ had: 'had payload', empty: 'empty' })[p.work] ?? '' },
    { title: 'rc', value: (p) => p.rc, kind: 'n', cell: (p) => String(p.rc ?? '') },
    { title: 'Node', value: (p) => p.node ?? '', cell: (p) => toNode(p.node) },
    { title: 'Reason', value: (p) => p.reason || p.failure, kind: 'long' },
  ], { key: (p) => `${p.factory}\n${p.id}`, sort: 2, descending: true, empty: 'no pilots' });
}

export function pilotPart(query) {
  const table = pilotTable('Pilots');
  const states = ['', 'created', 'running', 'exiting', 'stale', 'done', 'fault'];
  const chosen = h('select', { id: 'state' }, states.map((name) => h('option', { value: name }, name || 'any')));
  const more = h('button', { type: 'button', hidden: true }, 'Older ones');
  let pages = 1;
  const load = async () => {
    const rows = [];
    let next = null;
    for (let page = 0; page < pages; ++page) {
      const wanted = { ...query, ...(chosen.value && { state: chosen.value }), ...(next && { before: next }) };
      const answer = await get('pilots', wanted);
      rows.push(...answer.pilots);
      next = answer.next;
      if (!next) break;
    }
    more.hidden = !next;
    table.show(rows);
  };
  chosen.addEventListener('change', () => {
    pages = 1;
    load();
  });
  more.addEventListener('click', () => {
    pages = Math.min(pages + 1, 20);
    load();
  });
  return { element: h('section', {}, h('div', { class: 'controls' }, h('label', { for: 'state' }, 'State '), chosen), table.element, more), load };
}
