// Which page this is, and what all pages share.
import { h } from './dom.js';
import { keepTimes } from './format.js';
import { factory } from './factory.js';
import { help } from './help.js';
import { home } from './home.js';
import { label } from './label.js';
import { node } from './node.js';
import { pilot } from './pilot.js';
import { report } from './report.js';
import { search } from './search.js';

const pages = { '/': home, '/factory': factory, '/label': label, '/pilot': pilot, '/node': node, '/report': report,
  '/search': search, '/help': help };

function theme() {
  const button = document.getElementById('theme');
  const wanted = () => localStorage.getItem('theme') ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  const show = () => {
    document.documentElement.dataset.theme = wanted();
    button.textContent = wanted() === 'dark' ? 'Light' : 'Dark';
    document.dispatchEvent(new Event('theme'));
  };
  button.addEventListener('click', () => {
    localStorage.setItem('theme', wanted() === 'dark' ? 'light' : 'dark');
    show();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show);
  show();
}

theme();
keepTimes();
const main = document.getElementById('main');
const query = Object.fromEntries(new URLSearchParams(location.search));
for (const link of document.querySelectorAll('header nav a')) {
  if (link.getAttribute('href') === location.pathname) link.setAttribute('aria-current', 'page');
}
try {
  await pages[location.pathname](main, query);
} catch (error) {
  main.replaceChildren(h('h1', {}, 'This page can’t be shown'), h('p', { class: 'error' }, error.message));
}
main.dataset.ready = 'yes';
