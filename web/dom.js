// Elements without HTML text: what comes from outside is only ever put in as text or attribute, so nothing of it runs.

export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  fill(element, ...children);
  return element;
}

// In place of what is in the element; nothing for null.
export const fill = (element, ...children) => element.replaceChildren(...children.flat(2).filter((child) => child !== null && child !== undefined));

export const address = (path, query) => `${path}?${new URLSearchParams(query)}`;
export const toFactory = (name) => h('a', { href: address('/factory', { name }) }, name);
export const toLabel = (factory, name) => h('a', { href: address('/label', { factory, name }) }, name || '(none)');
export const toPilot = (factory, id) => h('a', { href: address('/pilot', { factory, id }) }, id);
export const toNode = (name) => (name ? h('a', { href: address('/node', { name }) }, name) : '');

// Only these may stand in href: the server lets no others through either.
export function toOutside(url, text) {
  if (!/^https?:\/\//.test(url ?? '')) return text ?? '';
  return h('a', { href: url, rel: 'noopener noreferrer', target: '_blank' }, text ?? url);
}

export function facts(rows) {
  const list = h('dl', { class: 'facts' });
  for (const [name, value] of rows) {
    if (value === null || value === undefined || value === '') continue;
    list.append(h('dt', {}, name), h('dd', {}, value));
  }
  return list;
}

export function tile(name, value, kind) {
  return h('div', { class: 'tile' }, h('b', { class: value ? kind : 'zero' }, String(value)), name);
}

const svg = (tag, attributes) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
};

// Bars of what was created in steps of five minutes.
export function spark(values) {
  const most = Math.max(1, ...values);
  const total = values.reduce((a, b) => a + b, 0);
  const box = svg('svg', { class: 'spark', viewBox: `0 0 ${values.length * 4} 20`, preserveAspectRatio: 'none', role: 'img' });
  box.setAttribute('aria-label', `${total} created in two hours`);
  values.forEach((value, i) => {
    const height = value ? Math.max(2, (value / most) * 20) : 0;
    box.append(svg('rect', { x: i * 4, y: 20 - height, width: 3, height }));
  });
  return box;
}
