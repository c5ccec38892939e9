import { fill, h, tile } from './dom.js';
import { alarmLine, keepAlarms } from './alarms.js';
import { factoryTable, labelPart, liveOverview } from './overview.js';

const kShown = 5;

export async function home(main) {
  const tiles = h('div', { class: 'tiles' });
  const alarms = h('section', { 'aria-live': 'polite' });
  const factories = factoryTable();
  const labels = labelPart(true);
  main.append(h('h1', {}, 'Pilots'), tiles, alarms, factories.element, labels.element);
  keepAlarms(alarms, 'report', (all) => {
    if (all === null) return [];
    if (all.length === 0) return [h('p', { class: 'quiet' }, 'No alarm stands.')];
    return [h('h2', {}, `Alarms: ${all.length}`), h('ul', { class: 'alarms' }, all.slice(0, kShown).map((a) => alarmLine(a))),
      h('p', {}, h('a', { href: '/report' }, 'Evidence and texts for tickets'))];
  });
  await liveOverview({}, (model) => {
    const rows = [...model.labels.values()];
    const sum = (of) => rows.reduce((n, l) => n + of(l), 0);
    fill(tiles, tile('created', sum((l) => l.live.created), 'created'), tile('running', sum((l) => l.live.running), 'running'),
      tile('exiting', sum((l) => l.live.exiting), 'exiting'), tile('stale', sum((l) => l.live.stale), 'stale'),
      tile('done in 1 h', sum((l) => l.hour.done), 'done'), tile('fault in 1 h', sum((l) => l.hour.fault), 'fault'));
    factories.show([...model.factories.values()]);
    labels.show(rows);
  });
}
