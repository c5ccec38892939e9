import { h } from './dom.js';
import { alarmLine, keepAlarms, loud } from './alarms.js';
import { follow } from './api.js';
import { ago } from './format.js';
import { forgetToken, hasToken, unmute } from './orders.js';

function muteLine(m, reload) {
  return h('li', { class: 'muted' }, h('p', {}, h('strong', {}, [m.code || 'all', m.subject || 'all'].join(' of ')), m.reason ? `: ${m.reason}` : ''),
    h('p', {}, `by ${m.by}, `, ago(m.since), m.until ? [', ends ', ago(m.until)] : ', until it is lifted'),
    h('p', { class: 'orders' }, unmute(m, reload)));
}

function mutes(answer, reload) {
  if (answer.mutes.length === 0) return [];
  const quiet = answer.alarms.filter((a) => a.muted);
  return [h('h2', { id: 'mutes' }, 'Muted'), h('ul', { class: 'alarms' }, answer.mutes.map((m) => muteLine(m, reload))),
    ...(quiet.length ? [h('h3', {}, 'Stands, and is told to nobody'), h('ul', { class: 'alarms' }, quiet.map((a) => alarmLine(a, false, reload)))] : [])];
}

const deliveries = (answer) => answer.deliveries.filter((d) => d.trouble).map((d) =>
  h('p', { class: 'error' }, `Messages by ${d.channel} can’t be sent, ${d.waiting} wait: ${d.trouble}.`));

export async function report(main) {
  const all = h('section');
  main.append(h('h1', {}, 'What needs a ticket now'), all);
  follow({}, () => {}, {});
  await keepAlarms(all, (answer, reload) => {
    const told = loud(answer);
    // What a reader has opened stays open.
    const open = new Set([...all.querySelectorAll('li[data-key]')].filter((line) => line.querySelector('details')?.open).map((line) => line.dataset.key));
    const lines = told.map((a) => {
      const line = alarmLine(a, true, reload);
      line.dataset.key = `${a.code} ${a.subject}`;
      if (open.has(line.dataset.key)) line.querySelector('details').open = true;
      return line;
    });
    const forget = h('button', { type: 'button', onclick: () => {
      forgetToken();
      forget.remove();
    } }, 'Forget my token');
    return [...deliveries(answer), told.length ? h('ul', { class: 'alarms' }, lines) : h('p', {}, answer.alarms.length ? 'Nothing but what is muted.' : 'Nothing: no alarm stands.'),
      ...(answer.left_out ? [h('p', {}, `${answer.left_out} more are left out.`)] : []), ...mutes(answer, reload), ...(hasToken() ? [forget] : [])];
  });
  if (location.hash === '#mutes') document.getElementById('mutes')?.scrollIntoView();
}
