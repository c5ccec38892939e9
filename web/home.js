import { fill, h, tile } from './dom.js';
import { alarmLine, keepAlarms, loud } from './alarms.js';
import { factoryTable, labelPart, liveOverview } from './overview.js';

const kShown = 5;

export async function home(main) {
  const tiles = h('div', { class: 'tiles' });
  const alarms = h('section', { 'aria-live': 'polite' });
  const factories = factoryTable();
  const labels = labelPart(true);
  main.append(h('h1', {}, 'Pilots'), tiles, alarms, factories.element, labels.element);
  keepAlarms(alarms, (answer, reload) => {
    const told = loud(answer);
    const quiet = answer.alarms.length - told.length;
    const muted = quiet ? h('p', { class: 'quiet' }, `${quiet} more muted: `, h('a', { href: '/report#mutes' }, 'which, by whom and why')) : null;
    if (told.length === 0) return [h('p', { class: 'quiet' }, 'No alarm stands.'), muted].filter(Boolean);
    const rest = told.length > kShown ? `, and ${told.length - kShown} more` : '';
    return [h('h2', {}, `Alarms: ${told.length}`), h('ul', { class: 'alarms' }, told.slice(0, kShown).map((a) => alarmLine(a, false, reload))),
      h('p', {}, h('a', { href: '/report' }, `Evidence and texts for tickets${rest}`)), muted].filter(Boolean);
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
