// The pages in a browser. APF_PAGES=all: every page in both themes and widths; otherwise a few.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Monitor, fill, hostile, hostileLine, kLines, openBrowser, until } from './lab.mjs';
import { oddPages, open, pages, widths } from './pages.mjs';

const all = process.env.APF_PAGES === 'all';
const axe = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
let monitor;
let browser;

before(async () => {
  monitor = await Monitor.start();
  await fill(monitor);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await monitor?.stop();
});

async function using(path, options, look) {
  const page = await open(browser, monitor, path, options);
  try {
    await look(page);
    assert.deepEqual(page.troubles, [], path);
    assert.doesNotMatch(await page.locator('body').innerText(), /\b(null|undefined|NaN|\[object)/, path);
  } finally {
    await page.context().close();
  }
}

// Axe is put in from outside the page: the page's own policy would not let it.
async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(' ')}`), []);
}

const looks = all ? Object.keys(pages).flatMap((name) => ['light', 'dark'].flatMap((theme) => Object.keys(widths).map((size) => [name, theme, size])))
  : [['home', 'light', 'wide'], ['label', 'dark', 'phone']];
for (const [name, theme, size] of looks) {
  test(`${name} is accessible and fits: ${theme}, ${size}`, () => using(pages[name], { theme, width: widths[size] }, async (page) => {
    await accessible(page);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wider, 0, 'nothing but tables scrolls sideways');
  }));
}

test('names and messages that would be scripts do not run', async () => {
  for (const path of oddPages) {
    await using(path, {}, async (page) => {
      assert.equal(await page.evaluate(() => window.ran), undefined, path);
      assert.equal(await page.locator('main img, main script').count(), 0, path);
      assert.equal(await page.locator('a[href^="javascript:" i]').count(), 0, path);
    });
  }
  await using(oddPages[1], {}, async (page) => assert.equal(await page.locator('h1').textContent(), `Label ${hostile}`));
});

test('open pages change by themselves', () => using(pages.home, {}, async (home) => {
  const row = home.locator('tr', { has: home.locator('a', { hasText: 'SITE_live' }) });
  const news = (state, more) => ({ factory: 'BNL-gridui11', pilots: [{ id: '9000.0', label: 'SITE_live', state, ...more }] });
  await monitor.tell(news('created'));
  await until('the new label', async () => await row.count() === 1);
  await using(`/pilot?${new URLSearchParams({ factory: 'BNL-gridui11', id: '9000.0' })}`, {}, async (page) => {
    await monitor.tell(news('running', { node: 'wn-live' }));
    await until('running on its page', async () => (await page.locator('.tile').first().textContent()).includes('running'));
    await until('running in the overview', async () => await row.locator('td').nth(2).textContent() === '1');
    await monitor.tell(news('fault', { text: 'no space left' }));
    await until('why it failed', async () => (await page.locator('.error').textContent().catch(() => '')).includes('no space left'));
  });
}));

test('the overview sorts, filters and groups by keyboard', () => using('/', {}, async (page) => {
  const head = page.locator('section th button', { hasText: 'Running' });
  await head.focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('section th[aria-sort]').getAttribute('aria-sort'), 'descending');
  await page.locator('#filter').fill('SITE_2');
  await until('only those of site 2', async () => await page.locator('section tbody tr').count() === 3);
  await page.locator('#group').selectOption('WMS queue');
  assert.match(await page.locator('tr.group').textContent(), /SITE_2 \(3\)/);
  assert.match(page.url(), /filter=SITE_2&group=WMS\+queue/);
  await page.keyboard.press('Control+Home');
  await page.goto(monitor.url);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content');
}));

test('a node that eats pilots is named with what to do', () => using('/report', {}, async (page) => {
  const item = page.locator('.alarms > li', { hasText: 'node.eats_pilots' });
  await until('the alarm', async () => await item.count() === 1);
  assert.equal(await item.locator('strong a').first().textContent(), 'wn4.example.org');
  assert.match(await item.textContent(), /cvmfs.*Take the node out/s);
  await item.locator('summary').click();
  assert.match(await item.locator('textarea').inputValue(), /wn4\.example\.org/);
  await accessible(page);
}));

test('links to other monitors are filled in', async () => {
  await using(`/pilot?${new URLSearchParams({ factory: 'BNL-gridui11', id: '1014.0' })}`, {}, async (page) => {
    assert.equal(await page.locator('.facts a', { hasText: /^5514$/ }).getAttribute('href'), 'https://bigpanda.example.org/job?pandaid=5514');
  });
  await using(pages.label, {}, async (page) => {
    assert.equal(await page.locator('.facts a', { hasText: 'SITE_1' }).last().getAttribute('href'), 'https://bigpanda.example.org/queue/SITE_1');
  });
});

// A line through one value is none: it has to be a point. The figures are made up, since those of a running monitor come minute by minute.
test('a single value is seen in a chart', () => using(pages.label, {}, async (page) => {
  const to = Math.floor(Date.now() / 300000) * 300000;
  const row = { at: to - 300000, live: { created: 7, running: 7, exiting: 0, stale: 0 },
    flow: { created: 7, started: 7, done: 0, fault: 0, empty: 0, unstarted: 0, seconds_ran: 0 } };
  await page.route('**/api/v1/history*', (route) => route.fulfill({ json: { from: to - 144 * 300000, to, step: 300000, rows: [row] } }));
  await page.getByRole('button', { name: '1d', exact: true }).click();
  const seen = () => page.evaluate(() => {
    const colour = getComputedStyle(document.documentElement).getPropertyValue('--running').trim();
    const wanted = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
    const canvas = document.querySelector('.chart canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) count += wanted.every((value, k) => Math.abs(data[i + k] - value) < 24) ? 1 : 0;
    return count;
  });
  await until('a point', async () => await seen() > 4);
}));

test('alarms are acknowledged, muted and unmuted by keyboard', async () => {
  const token = monitor.adminToken('joe');
  const eats = { hasText: 'node.eats_pilots' };
  await using('/', {}, (home) => using('/report', {}, async (page) => {
    const item = (where) => where.locator('.alarms > li', eats);
    await until('the alarm', async () => await item(page).count() === 1 && await item(home).count() === 1);
    const press = async (name, focus) => {
      await (focus ?? item(page)).getByRole('button', { name: new RegExp(`^${name} `) }).focus();
      await page.keyboard.press('Enter');
      await page.locator('dialog[open]').waitFor();
    };
    await press('Acknowledge');
    await accessible(page);
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await press('Acknowledge');
    await page.getByLabel(/^Note/).fill('ticket <b>17</b>');
    await page.getByLabel(/^Administrator/).fill('guessed'.repeat(10));
    await page.keyboard.press('Enter');
    await until('why not', async () => /Not done: .*token/.test(await page.getByRole('alert').textContent()));
    await page.getByLabel(/^Administrator/).fill(token);
    await page.keyboard.press('Enter');
    await until('that it is in hand', async () => (await item(page).textContent()).includes('In hand: joe, ticket <b>17</b>'));
    await until('the same on the other page', async () => (await item(home).textContent()).includes('In hand: joe'));
    assert.ok(!page.url().includes(token));
    assert.equal(await page.evaluate(() => localStorage.length + document.cookie.length), 0);
    await press('Mute');
    assert.equal(await page.getByLabel(/^Administrator/).isVisible(), false, 'asked once');
    await page.getByLabel('For how long').selectOption('1 day');
    await page.getByLabel('Reason').fill('downtime');
    await page.keyboard.press('Enter');
    const muted = page.locator('li.muted');
    await until('the mute', async () => /eats_pilots of node wn4.*: downtime.*by joe.*ends in 24 h/s.test(await muted.textContent().catch(() => '')));
    await until('that the other page has it no more', async () => await item(home).count() === 0);
    assert.match(await home.locator('section').first().textContent(), /1 more muted/);
    await accessible(page);
    await press('Unmute', muted);
    await page.keyboard.press('Enter');
    await until('that it is told again', async () => await muted.count() === 0 && await item(home).count() === 1);
    page.troubles = page.troubles.filter((text) => !text.includes('401'));  // the browser's own words about the guess
  }));
});

test('a file of a pilot is shown in place, and searched', async () => {
  for (const id of ['1013.0', '1010.0']) {  // of a server that knows ranges, and of one that does not
    await using(`/pilot?${new URLSearchParams({ factory: 'BNL-gridui11', id })}`, {}, async (page) => {
      const text = page.locator('pre.log');
      const note = page.locator('section [role=status]');
      const tab = (name) => page.getByRole('button', { name, exact: true });
      await tab('stdout').click();
      await until('its end', async () => (await text.textContent()).endsWith(`line ${kLines - 1} of a job that goes well`));
      assert.ok((await text.textContent()).includes(hostileLine), 'as text');
      assert.equal(await page.evaluate(() => window.ran), undefined);
      assert.equal(await page.locator('main img, main script').count(), 0);
      const shown = (await text.textContent()).length;
      await tab('Earlier').click();
      await until('an earlier part', async () => (await text.textContent()).length > shown);
      const whole = await text.textContent();
      const lines = whole.split('\n').slice(1, -3);
      const first = Number(/line (\d+)/.exec(lines[0])[1]);
      assert.ok(lines.every((line, i) => line.includes(`log line ${first + i} of`)), 'no line twice, none left out');
      await page.locator('#find').fill('a Needle');
      await page.locator('#find').press('Enter');
      await until('it is found far above', async () => await page.locator('mark.now').count() === 1);
      assert.equal(await page.locator('mark.now').textContent(), 'a needle');
      await page.locator('#find').press('Enter');
      await until('that there is no other', async () => (await note.textContent()).includes('not found above'));
      await tab('Start').click();
      await until('its start', async () => (await text.textContent()).startsWith('2026-11-22 12:00:00 | pilot log line 0 ')
        && await text.evaluate((element) => element.scrollTop) === 0);
      await accessible(page);
    });
  }
});

test('why a file can’t be shown is said, with what to do', async () => {
  const page = await open(browser, monitor, `/pilot?${new URLSearchParams({ factory: 'BNL-gridui11', id: '1013.0' })}`);
  for (const [name, words] of [['log', /no such file: not written yet.*asked http:\/\/127.*open the link/], ['jdl', /not below http.*elsewhere.*\[logs\] from/]]) {
    await page.getByRole('button', { name, exact: true }).click();
    await until(`words about ${name}`, async () => words.test(await page.locator('p.error[role=status]').textContent().catch(() => '')));
  }
  await page.context().close();
});

test('tables are readable without scripts', () => using('/plain', { scripts: false }, async (page) => {
  assert.ok(await page.locator('tbody tr').count() >= 15);
  await page.locator('a', { hasText: 'SITE_1-ce' }).click();
  assert.match(await page.locator('h1').textContent(), /SITE_1-ce/);
}));
