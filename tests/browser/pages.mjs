// Every page, and how to open one.
import { hostile } from './lab.mjs';

const query = (path, values) => `${path}?${new URLSearchParams(values)}`;
const factory = 'BNL-gridui11';
const odd = `odd:${hostile}`;

export const pages = {
  home: '/',
  factory: query('/factory', { name: factory }),
  label: query('/label', { factory, name: 'SITE_1-ce.example.org' }),
  pilot: query('/pilot', { factory, id: '1013.0' }),
  node: query('/node', { name: 'wn4.example.org' }),
  nodes: '/node',
  report: '/report',
  search: query('/search', { q: 'site' }),
  help: '/help',
};
export const oddPages = [query('/factory', { name: odd }), query('/label', { factory: odd, name: hostile }), query('/pilot', { factory: odd, id: '7.0' }),
  query('/node', { name: hostile }), query('/search', { q: hostile }), query('/search', { q: '7.0' }), '/', '/node', '/report',
  query('/plain', {}), query('/plain/label', { factory: odd, name: hostile })];
export const widths = { wide: 1280, phone: 390 };

export async function open(browser, monitor, path, { theme = 'light', width = 1280, scripts = true } = {}) {
  const context = await browser.newContext({ colorScheme: theme, viewport: { width, height: 900 }, javaScriptEnabled: scripts });
  const page = await context.newPage();
  page.setDefaultTimeout(60000);
  page.troubles = [];
  page.on('pageerror', (error) => page.troubles.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') page.troubles.push(message.text());
  });
  await page.goto(monitor.url + path);
  if (scripts && !path.startsWith('/plain')) await page.waitForSelector('main[data-ready]');
  return page;
}
