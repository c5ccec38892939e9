// Pictures of every page: node shots.mjs FOLDER
import { mkdirSync } from 'node:fs';
import { Monitor, fill, openBrowser, until } from './lab.mjs';
import { open, pages, widths } from './pages.mjs';

const kLabel = { factory: 'BNL-gridui11', name: 'SITE_1-ce.example.org' };

// What one sees only after doing something.
async function shownInPlace(page) {
  await page.getByRole('button', { name: 'stdout', exact: true }).click();
  await page.locator('#find').fill('line 199');
  await until('the file', async () => (await page.locator('pre.log').textContent()).length > 1000);
  await page.locator('#find').press('Enter');
  await page.locator('mark.now').waitFor();
}
async function notThere(page) {
  await page.getByRole('button', { name: 'log', exact: true }).click();
  await page.locator('p.error[role=status]').waitFor();
}
async function dialog(page) {
  await page.getByRole('button', { name: /^Mute / }).click();
}
const order = (monitor, token, call, body) => fetch(`${monitor.url}/api/v1/alarms/${call}`,
  { method: 'POST', headers: { Authorization: `Bearer ${token}` }, body: JSON.stringify(body) });

const folder = process.argv[2] ?? 'shots';
mkdirSync(folder, { recursive: true });
const monitor = await Monitor.start();
const browser = await openBrowser();
try {
  await fill(monitor);
  await until('an alarm', async () => (await (await fetch(`${monitor.url}/api/v1/report`)).json()).items.length > 0);
  const charted = `${monitor.url}/api/v1/history?${new URLSearchParams({ ...kLabel, range: '12h' })}`;
  await until('figures over time', async () => (await (await fetch(charted)).json()).rows.length > 0);
  const take = async (name, path, does = () => {}, whole = true) => {
    for (const theme of ['light', 'dark']) {
      for (const [size, width] of Object.entries(widths)) {
        const page = await open(browser, monitor, path, { theme, width });
        await does(page);
        await page.screenshot({ path: `${folder}/${name}-${theme}-${size}.png`, fullPage: whole });
        await page.context().close();
      }
    }
  };
  for (const [name, path] of Object.entries(pages)) await take(name, path);
  await take('file', pages.pilot, shownInPlace);
  await take('no-file', pages.pilot, notThere);
  await take('dialog', pages.report, dialog, false);
  const token = monitor.adminToken('shifter');
  await order(monitor, token, 'acknowledge', { code: 'node.eats_pilots', subject: 'node wn4.example.org', note: 'ticket 17 at the site' });
  await take('acknowledged', pages.report);
  await take('home-acknowledged', pages.home);
  await order(monitor, token, 'mute', { code: 'node.eats_pilots', subject: 'node wn4.example.org', reason: 'the site mends it', for: '4h' });
  await take('muted', pages.report);
} finally {
  await browser.close();
  await monitor.stop();
}
