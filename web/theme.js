/** Light or dark: what the system says, until this person says otherwise. */

const KEY = 'easel-theme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');

function remembered() {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'dark' || theme === 'light' ? theme : null;
  } catch {
    return null;
  }
}

function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}

export function setUpTheme(button) {
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : dark.matches);
  const label = () => { button.ariaLabel = `Switch to ${isDark() ? 'light' : 'dark'} colours`; };
  const chosen = remembered();
  if (chosen) root.dataset.theme = chosen;
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    remember(root.dataset.theme);
    label();
  });
  dark.addEventListener('change', label);
  label();
}
