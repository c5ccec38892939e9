// A factory's decision: "Ready:in=0,activated=100,pending=10,ret=90;MaxPerCycle:in=90,maximum=50,ret=50" in words.
import { h } from './dom.js';

export function readDecision(text) {
  const steps = [];
  const rest = [];
  for (const part of text.split(';').map((p) => p.trim()).filter(Boolean)) {
    const [, name, list] = /^([\w.-]+):\s*(.*)$/.exec(part) ?? [];
    const fields = list?.split(',').map((field) => /^\s*([\w-]+)\s*=\s*(.*)$/.exec(field)?.slice(1));
    if (!fields?.length || fields.some((field) => !field) || !fields.some(([key]) => key === 'ret')) {
      rest.push(part);
      continue;
    }
    const numbers = new Map(fields);
    steps.push({ name, in: Number(numbers.get('in') ?? NaN), out: Number(numbers.get('ret')),
      why: fields.filter(([key]) => key !== 'in' && key !== 'ret').map(([key, value]) => `${key} ${value}`).join(', ') });
  }
  return { steps, rest };
}

// The steps that made the number smaller: the last of them bound it.
export function binding(steps) {
  return steps.filter((step) => step.out < step.in).at(-1);
}

// In a few words, for a row of a table.
export function shortly(text) {
  const { steps } = readDecision(text);
  if (steps.length === 0) return text;
  const result = steps.at(-1).out;
  const bound = binding(steps);
  const number = result > 0 ? `submit ${result}` : result < 0 ? `retire ${-result}` : 'submit nothing';
  return bound ? `${number}: ${bound.name} made ${bound.out} of ${bound.in}` : number;
}

export function decision(text) {
  const { steps, rest } = readDecision(text);
  if (steps.length === 0) return h('p', {}, text);
  const result = steps.at(-1).out;
  const bound = binding(steps);
  const number = result > 0 ? `submit ${result} pilots` : result < 0 ? `retire ${-result} pilots` : 'submit nothing';
  const reason = bound ? `; ${bound.name} bound it: ${bound.in} became ${bound.out}` : '';
  return h('div', {}, h('p', {}, `It decided to ${number}${reason}.`, rest.length ? ` Said besides: ${rest.join('; ')}.` : ''),
    h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Steps of the decision' }, h('table', {},
      h('thead', {}, h('tr', {}, ['Step', 'In', 'Out', 'Because of'].map((title, i) =>
        h('th', { scope: 'col', class: i === 1 || i === 2 ? 'n' : null }, title)))),
      h('tbody', {}, steps.map((step) => h('tr', { class: step === bound ? 'warn' : null }, h('td', {}, step.name),
        h('td', { class: 'n' }, String(step.in)), h('td', { class: 'n' }, String(step.out)), h('td', {}, step.why)))))));
}
