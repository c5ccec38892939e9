// Alarms: what is wrong, the evidence, what to do, and a text for a ticket.
import { h, toFactory, toLabel, toNode } from './dom.js';
import { ago } from './format.js';

export async function alarmsOf(path) {
  const response = await fetch(`/api/v1/${path}`);
  if (!response.ok) return null;  // a monitor without them
  const answer = await response.json();
  return answer.items ?? answer.alarms;
}

// The node first, where it is about one: that is what has to be mended.
function about(a) {
  const label = a.label ? h('span', {}, a.node ? 'label ' : 'Label ', toLabel(a.factory, a.label), ' of ', toFactory(a.factory)) : null;
  if (a.node) return h('span', {}, 'Node ', toNode(a.node), label ? ', ' : '', label);
  return label ?? (a.factory ? h('span', {}, 'Factory ', toFactory(a.factory)) : a.subject);
}

export function alarmLine(a, whole) {
  const line = h('li', { class: a.acknowledged ? 'warn' : 'bad' },
    h('p', {}, h('strong', {}, about(a)), ': ', a.text),
    h('p', {}, a.advice, ' (', a.code, ', since ', ago(a.since), a.muted ? ', muted' : '', ')'));
  if (a.acknowledged) line.append(h('p', {}, `In hand: ${a.acknowledged.by} ${a.acknowledged.note}`));
  if (!whole) return line;
  if (a.evidence?.length) line.append(h('ul', {}, a.evidence.map((text) => h('li', {}, text))));
  const text = h('textarea', { readonly: true, 'aria-label': `Text for a ticket about ${a.subject}` });
  text.value = a.ticket ?? '';
  const button = h('button', { type: 'button', onclick: async () => {
    text.select();
    await navigator.clipboard?.writeText(text.value);
    button.textContent = 'Copied';
  } }, 'Copy');
  line.append(h('details', {}, h('summary', {}, 'Text for a ticket'), text, button));
  return line;
}

export function keepAlarms(element, path, draw) {
  const load = async () => {
    const alarms = await alarmsOf(path).catch(() => undefined);
    if (alarms !== undefined) element.replaceChildren(...draw(alarms));
  };
  setInterval(load, 5000 + Math.random() * 1000);
  return load();
}
