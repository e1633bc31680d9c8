'use strict';

const $ = id => document.getElementById(id);

// What a person reads of a check; a name that is not here is shown as it is.
const checkNames = { database: 'Database', time_zones: 'Time zones' };

const sentences = {
  healthy: 'Ready',
  degraded: 'Works, but look at it',
  unhealthy: 'Not ready: nothing was lost, and it tries again by itself',
};

function show(section) {
  for (const id of ['asking', 'nobody', 'no-role', 'ops', 'unknown']) {
    $(id).hidden = id !== section;
  }
}

// The site says who is signed in; what that person may do, the API decides.
async function askWho() {
  try {
    const answer = await fetch('/.auth/me', { cache: 'no-store' });
    if (!answer.ok) {
      throw new Error(`status ${answer.status}`);
    }
    const { clientPrincipal: user } = await answer.json();
    if (!user) {
      show('nobody');
      return;
    }
    $('who').textContent = user.userDetails;
    $('who').hidden = $('sign-out').hidden = false;
    show(user.userRoles.includes('ops') ? 'ops' : 'no-role');
  } catch {
    show('unknown');
  }
}

async function askReady() {
  let health;
  try {
    const answer = await fetch('/api/health/ready', { cache: 'no-store' });
    // Both answers have a body that says which check failed; anything else is not the API's own.
    if (answer.status !== 200 && answer.status !== 503) {
      throw new Error(`status ${answer.status}`);
    }
    health = await answer.json();
  } catch {
    $('ready').className = 'light unhealthy';
    $('ready').textContent = 'No answer. Reload the page in a minute.';
    return;
  }

  $('ready').className = `light ${health.status}`;
  $('ready').textContent = sentences[health.status] ?? health.status;
  for (const check of health.checks) {
    const line = document.createElement('li');
    const name = document.createElement('b');
    name.textContent = checkNames[check.name] ?? check.name;
    const state = document.createElement('span');
    state.className = check.status;
    state.textContent = check.detail ?? check.status;
    line.append(name, state);
    $('checks').append(line);
  }
}

askWho();
askReady();
