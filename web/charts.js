// Counts over time, drawn by uPlot. The same numbers stand in the tables of the page.
import { h } from './dom.js';
import { get } from './api.js';

// Ticks of the time axis, in UTC as all times of the pages.
const ticks = (_, splits, axis, space, step) => splits.map((t) => {
  const iso = new Date(t * 1000).toISOString();
  return step >= 86400 ? iso.slice(0, 10) : iso.slice(11, 16);
});
const whole = [1, 2, 5].flatMap((n) => [0, 1, 2, 3, 4, 5, 6].map((power) => n * 10 ** power)).sort((a, b) => a - b);  // of pilots there are no halves
const ranges = ['1h', '12h', '1d', '1w', '1m', '1y'];
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// A step without a row is one in which nothing happened: what was live stayed as it was.
function columns(data) {
  const rows = new Map(data.rows.map((row) => [row.at, row]));
  const times = [];
  for (let t = Math.ceil(data.from / data.step) * data.step; t < data.to; t += data.step) times.push(t);
  const flow = (of) => times.map((t) => (rows.has(t) ? of(rows.get(t).flow) : 0));
  const live = (of) => {
    let last = null;
    return times.map((t) => (rows.has(t) ? (last = of(rows.get(t).live)) : last));
  };
  return {
    times: times.map((t) => t / 1000),
    live: [live((l) => l.created), live((l) => l.running)],
    flow: [flow((f) => f.done), flow((f) => f.fault), flow((f) => f.empty)],
  };
}

// Places of values without a neighbour: a line through them would be none.
const alone = (values) => values.flatMap((value, i) => (value !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null ? [i] : []));

export function charts(query) {
  const plots = h('div');
  const note = h('p', { class: 'quiet', role: 'status' });
  let range = '12h';
  let drawn = [];
  let data = null;
  const buttons = ranges.map((name) => h('button', { type: 'button', 'aria-pressed': String(name === range), onclick: () => {
    range = name;
    buttons.forEach((button) => button.setAttribute('aria-pressed', String(button.textContent === name)));
    load();
  } }, name));

  const plot = (title, times, series, values) => {
    const box = h('div', { class: 'chart', role: 'img', 'aria-label': title });
    plots.append(box);
    const axis = { stroke: colour('ink'), grid: { stroke: colour('line'), width: 1 }, ticks: { stroke: colour('line'), width: 1 } };
    const line = ([label, kind]) => ({ label, stroke: colour(kind), width: 2, spanGaps: false, points: { show: values[0].length < 80, filter: (u, i, all) => (all ? null : alone(u.data[i])) } });
    const made = new window.uPlot({ title, width: Math.max(260, plots.clientWidth), height: 240, axes: [{ ...axis, values: ticks }, { ...axis, incrs: whole }],
      tzDate: (t) => window.uPlot.tzDate(new Date(t * 1000), 'Etc/UTC'),
      scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(1, (high ?? 0) * 1.1)] } },
      series: [{ value: (_, t) => (t === null ? '' : `${new Date(t * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`) }, ...series.map(line)] }, [times, ...values], box);
    drawn.push(made);
  };
  const draw = () => {
    if (!data) return;
    for (const old of drawn) old.destroy();
    drawn = [];
    plots.replaceChildren();
    const { times, live, flow } = columns(data);
    plot('Pilots that live', times, [['created', 'created'], ['running', 'running']], live);
    plot(`Ended per ${{ 300000: '5 min', 3600000: 'hour', 86400000: 'day' }[data.step]}`, times, [['done', 'done'], ['fault', 'fault'], ['empty', 'stale']], flow);
    note.textContent = data.rows.length ? '' : 'Nothing was recorded in this time yet: charts follow within a minute.';
  };
  const load = async () => {
    data = await get('history', { ...query, range });
    draw();
  };
  document.addEventListener('theme', draw);
  window.addEventListener('resize', draw);
  setInterval(load, 60000 + Math.random() * 10000);
  return { element: h('section', {}, h('h2', {}, 'Over time'), h('div', { class: 'controls', role: 'group', 'aria-label': 'Time shown' }, buttons),
    note, plots), load };
}
