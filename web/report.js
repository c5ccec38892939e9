import { h } from './dom.js';
import { alarmLine, keepAlarms } from './alarms.js';
import { follow } from './api.js';

// What a reader has opened stays open.
export async function report(main) {
  const list = h('section');
  main.append(h('h1', {}, 'What needs a ticket now'), list);
  let shown = '';
  follow({}, () => {}, {});
  await keepAlarms(list, 'report', (all) => {
    const text = JSON.stringify(all);
    if (text === shown) return [...list.childNodes];
    shown = text;
    const open = new Set([...list.querySelectorAll('li[data-key]')].filter((line) => line.querySelector('details')?.open).map((line) => line.dataset.key));
    if (!all?.length) return [h('p', {}, all ? 'Nothing: no alarm stands.' : 'This monitor raises no alarms.')];
    return [h('ul', { class: 'alarms' }, all.map((a) => {
      const line = alarmLine(a, true);
      line.dataset.key = `${a.code} ${a.subject}`;
      if (open.has(line.dataset.key)) line.querySelector('details').open = true;
      return line;
    }))];
  });
}
