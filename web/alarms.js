// Alarms: what is wrong, the evidence, what to do, and a text for a ticket.
import { h, toFactory, toLabel, toNode } from './dom.js';
import { get } from './api.js';
import { ago } from './format.js';
import { acknowledge, mute } from './orders.js';

// The node first, where it is about one: that is what has to be mended.
function about(a) {
  const label = a.label ? h('span', {}, a.node ? 'label ' : 'Label ', toLabel(a.factory, a.label), ' of ', toFactory(a.factory)) : null;
  if (a.node) return h('span', {}, 'Node ', toNode(a.node), label ? ', ' : '', label);
  return label ?? (a.factory ? h('span', {}, 'Factory ', toFactory(a.factory)) : a.subject);
}

export function alarmLine(a, whole, reload) {
  const line = h('li', { class: a.acknowledged ? 'warn' : 'bad' },
    h('p', {}, h('strong', {}, about(a)), ': ', a.text),
    h('p', {}, a.advice, ' (', a.code, ', raised ', ago(a.since), a.muted ? ', muted' : '', ')'));
  if (a.acknowledged) line.append(h('p', {}, 'In hand: ', [a.acknowledged.by, a.acknowledged.note].filter(Boolean).join(', '), ', ', ago(a.acknowledged.at)));
  const orders = h('p', { class: 'orders' }, a.acknowledged ? '' : acknowledge(a, reload), ' ', a.muted ? '' : mute(a, reload));
  if (!whole) {
    line.append(orders);
    return line;
  }
  if (a.evidence?.length) line.append(h('ul', {}, a.evidence.map((text) => h('li', {}, text))));
  const text = h('textarea', { readonly: true, 'aria-label': `Text for a ticket about ${a.subject}` });
  text.value = a.ticket ?? '';
  const button = h('button', { type: 'button', onclick: async () => {
    text.select();
    await navigator.clipboard?.writeText(text.value);
    button.textContent = 'Copied';
  } }, 'Copy');
  line.append(h('details', {}, h('summary', {}, 'Text for a ticket'), text, button), orders);
  return line;
}

// draw(answer, reload) gives what is to stand in the element; called when something has changed. Whoever stood on a button
// stands on the same one again.
export function keepAlarms(element, draw) {
  let shown = '';
  const load = async () => {
    const answer = await get('alarms').catch(() => null);  // the page says by itself that it is not connected
    const text = JSON.stringify(answer);
    if (!answer || text === shown) return;
    shown = text;
    const focused = element.contains(document.activeElement) ? document.activeElement.getAttribute('aria-label') : null;
    element.replaceChildren(...draw(answer, load));
    if (focused) [...element.querySelectorAll('[aria-label]')].find((one) => one.getAttribute('aria-label') === focused)?.focus();
  };
  setInterval(load, 5000 + Math.random() * 1000);
  return load();
}

// Those that nobody has in hand first.
export const loud = (answer) => answer.alarms.filter((a) => !a.muted).sort((a, b) => Boolean(a.acknowledged) - Boolean(b.acknowledged));
